//! The ways a device's request can end without what it asked for.

use crate::{attestation::Rejected, enrollment::sql::UnreadableRow, issuing::CsrRefusal, throttle::TooFast};

use super::BodyError;

/// Mapped to the wire in `protocol/status.rs`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the id scope `{found}` is not this instance's: configure the device with `{ours}`")]
    Scope { found: String, ours: String, credential: Credential },
    #[error("{0}")]
    Body(#[from] BodyError),
    /// Of a device that has proved itself.
    #[error("field `csr`: {0}")]
    Csr(#[from] CsrRefusal),
    #[error("{why}")]
    Unauthorized { why: Rejected, credential: Credential },
    #[error("the device has no operation `{0}`: register again")]
    NoOperation(String),
    #[error("the device is not registered: register first")]
    NotRegistered,
    #[error("too many requests from this source: wait {} s", .0.wait_s)]
    Throttled(TooFast),
    #[error("too many registrations wait for a hub: try again later")]
    Busy,
    /// Others registered the same device at the same time, again and again.
    #[error("another registration of the same device is always first: try again later")]
    Contended,
    #[error("the store failed: {0}")]
    Read(#[from] UnreadableRow),
    #[error("{0}")]
    Issued(#[from] muster_ca::CertificateReadError),
    #[error("the store failed: {0}")]
    Write(#[from] muster_store::WriteError),
}

/// What the device showed; the uniform refusal differs by it in the original (dps.md §1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential {
    Token,
    Certificate,
    None,
}

impl From<muster_store::StoreError> for Refusal {
    fn from(error: muster_store::StoreError) -> Self {
        Self::Read(error.into())
    }
}
