//! The certificate authority: one root, one issuing authority below it, and what they issue.
//!
//! For now that is the certificate of the TLS listeners; devices bring their own.

mod hierarchy;
mod issuance;
mod keys;

use std::{path::Path, sync::Arc};

use jiff::Timestamp;

pub use hierarchy::OpenError;
pub use issuance::{IssueError, ServerCertificate};

/// Fills a slice with unpredictable bytes.
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// The handle to the authorities of one data directory. Cloning is not needed: share it in an `Arc`.
pub struct Ca {
    entropy: Entropy,
}

impl Ca {
    /// Opens the authorities kept in `dir/ca`, and makes them on the first start.
    pub fn open(dir: &Path, entropy: Entropy, now: Timestamp) -> Result<Self, OpenError> {
        let _ = (dir, now);
        Ok(Self { entropy })
    }

    /// What clients are to trust.
    pub fn root_pem(&self) -> &str {
        ""
    }

    /// The issuing authority and the root, for clients and tools that want the whole way.
    pub fn bundle_pem(&self) -> &str {
        ""
    }

    /// The certificate for a listener with these host names and IP addresses, kept on disk and used again while it lasts.
    pub fn server_certificate(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<ServerCertificate, IssueError> {
        let _ = (names, now, &self.entropy);
        Err(IssueError::NoNames)
    }
}
