//! Authorities with keys of their own, signed by themselves or by one of ours.

pub(super) mod plan;
mod service;
