//! OCSP (RFC 6960).

mod service;

pub(crate) use service::Responders;
