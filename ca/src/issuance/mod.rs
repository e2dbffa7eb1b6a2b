//! What the issuing authority issues.

use jiff::Timestamp;
use zeroize::Zeroizing;

/// A TLS server's certificate with its key, which the listener needs in the clear.
pub struct ServerCertificate {
    /// DER, leaf first, then the issuing authority.
    pub chain: Vec<Vec<u8>>,
    pub key_pkcs8: Zeroizing<Vec<u8>>,
    pub not_after: Timestamp,
}

/// Why no certificate was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error("names of the server are missing: give at least one host name or IP address")]
    NoNames,
}
