//! EST (RFC 7030, 8951, 9908).

mod service;

pub(crate) use service::Est;
