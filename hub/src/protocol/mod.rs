//! Transports: each is one decode, one encode and one mapping of refusals.

pub mod mqtt;
pub mod status;
