//! Why something was not revoked, or what is revoked cannot be read.

use muster_store::{StoreError, WriteError};

use crate::hierarchy::{AuthorityError, AuthorityId, State};

#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    #[error(
        "certificate `{serial}` was not issued by authority `{authority}`: `muster ca list` shows those that were"
    )]
    UnknownSerial { authority: AuthorityId, serial: String },
    #[error("certificate `{serial}` is that of authority `{authority}`: revoke the authority")]
    OfAuthority { serial: String, authority: AuthorityId },
    #[error("holder `{0}` has no certificate from here: `muster ca list` shows who has one")]
    UnknownHolder(String),
    #[error(transparent)]
    Authority(AuthorityError),
    #[error("the same is being revoked by others: ask again in a moment")]
    InProgress,
    #[error("revoking was interrupted, so it may or may not be done: ask again")]
    Interrupted,
    #[error(transparent)]
    Read(#[from] RevocationReadError),
    #[error("the revocation is not recorded: {0}")]
    Record(#[from] WriteError),
}

/// Nothing is trusted while it is not known what is revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevocationReadError {
    #[error("revocations cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("revocation of `{object}` is damaged in the database: restore it from a backup")]
    Damaged { object: String },
}

impl RevokeError {
    /// Whether it says no, and not that it could not be done now.
    pub(super) fn is_a_decision(&self) -> bool {
        match self {
            Self::UnknownSerial { .. } | Self::OfAuthority { .. } | Self::UnknownHolder(_) => true,
            Self::Authority(error) => !matches!(error, AuthorityError::Write(_)),
            Self::InProgress | Self::Interrupted | Self::Read(_) | Self::Record(_) => false,
        }
    }

    /// Whether somebody else was faster with the same.
    pub(super) fn is_a_lost_race(&self) -> bool {
        match self {
            Self::Record(error) | Self::Authority(AuthorityError::Write(error)) => {
                matches!(error, WriteError::Unmet { .. })
            }
            Self::Authority(AuthorityError::Transition(refused)) => refused.from == State::Revoked,
            Self::Authority(_)
            | Self::UnknownSerial { .. }
            | Self::OfAuthority { .. }
            | Self::UnknownHolder(_)
            | Self::InProgress
            | Self::Interrupted
            | Self::Read(_) => false,
        }
    }
}

impl From<AuthorityError> for RevokeError {
    fn from(error: AuthorityError) -> Self {
        Self::Authority(error)
    }
}

impl From<StoreError> for RevokeError {
    fn from(error: StoreError) -> Self {
        Self::Read(error.into())
    }
}
