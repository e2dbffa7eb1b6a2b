//! What is spoken beside the REST API: EST over TLS; CRLs, issuers and OCSP over plain HTTP.

pub mod http_est;
pub mod http_status;
