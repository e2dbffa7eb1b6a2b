//! Requests that somebody looks at before they get a certificate.

mod service;
mod sql;

use jiff::Timestamp;

use muster_store::{StoreError, WriteError};

/// A request of a device that is installed somewhere; a person looks at each.
const PENDING_MAX: i64 = 10_000;
/// What nobody decided, or nobody came back for, is forgotten.
const KEPT_DAYS: i64 = 30;
/// People take minutes.
const RETRY_AFTER_S: u64 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Pending,
    Approved,
    Denied,
}

/// One request, for one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstRequest {
    /// Of who asks, at which label, with which key, for what.
    pub id: String,
    pub label: String,
    pub caller: String,
    /// RFC 4514, as it was asked for.
    pub subject: String,
    /// DER.
    pub csr: Vec<u8>,
    pub verdict: Verdict,
    pub created: Timestamp,
}

#[derive(Debug, thiserror::Error)]
pub enum EstRequestError {
    #[error(
        "request `{0}` is not there, or is decided already: `muster ca est request list` shows those that wait"
    )]
    NotPending(String),
    #[error("requests cannot be read: {0}")]
    Read(#[from] StoreError),
    #[error("it is not recorded: {0}")]
    Record(#[from] WriteError),
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Approved, Self::Denied].into_iter().find(|verdict| verdict.as_str() == text)
    }
}
