//! CRLs.

mod service;

pub(crate) use service::Crls;
