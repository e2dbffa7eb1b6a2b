//! Bars: who was revoked as a whole for more than a change of certificates gets nothing more, until an operator says so.

mod service;
pub(super) mod sql;

use muster_store::WriteError;

use super::Reason;

/// Why a holder was not readmitted.
#[derive(Debug, thiserror::Error)]
pub enum ReadmitError {
    #[error("holder `{0}` is not barred: there is nothing to readmit it to")]
    NotBarred(String),
    #[error("readmitting was interrupted, so it may or may not be done: ask again")]
    Interrupted,
    #[error("the readmission is not recorded: {0}")]
    Record(#[from] WriteError),
}

impl Reason {
    /// Whether a holder that is revoked for it is to get nothing more. One whose certificates are only superseded goes on
    /// with new ones.
    pub(super) fn bars(self) -> bool {
        match self {
            Self::Superseded => false,
            Self::Unspecified
            | Self::KeyCompromise
            | Self::CaCompromise
            | Self::AffiliationChanged
            | Self::CessationOfOperation
            | Self::PrivilegeWithdrawn => true,
        }
    }
}
