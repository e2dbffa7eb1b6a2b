//! The device side on the wire: translations only, no decisions.

pub mod http;
pub mod mqtt;
