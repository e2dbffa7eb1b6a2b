//! Certificates issued: asked for, checked, recorded, signed, recorded again, answered.

mod draft;
mod holders;
mod in_flight;
mod names;
mod news;
mod order;
mod refusal;
mod renewal;
mod request;
pub(crate) mod server;
mod service;
mod signing;
mod sql;
mod standing;
mod stored;

use jiff::Timestamp;
use muster_store::{StoreError, WriteError};

use crate::{
    caller::NotGranted,
    hierarchy::{AuthorityId, BuildError, State},
    keys::SignError,
    profile::Refused,
    revocation::Reason,
};

pub use names::NameError;
pub use news::{News, Recipient};
pub use renewal::{RenewError, RenewRequest, renew_after};
pub use request::{Freshness, Hardware, Holder, Issued, Request, SubjectFacts};
pub use server::{ServerCertificate, ServerCertificateError};
pub use stored::{CertificateReadError, Filter, Page, Stage, Stored};

pub(crate) use names::ServerNames;
pub(crate) use service::Issuance;
pub(crate) use signing::Signing;
pub(crate) use sql::spki_name;

use draft::Draft;

/// Why no certificate was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error("authority `{0}` is not there: `muster ca tree` shows those that are")]
    NoSuchAuthority(AuthorityId),
    #[error("authority `{authority}` is {state}, so it signs nothing: name one that is active")]
    NotActive { authority: AuthorityId, state: State },
    #[error("authority `{0}` has no key here: name one that has")]
    KeyElsewhere(AuthorityId),
    #[error("profile `{0}` is not there: `muster ca profile list` shows those that are")]
    NoSuchProfile(String),
    #[error(transparent)]
    NotGranted(#[from] NotGranted),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("public key is that of authority `{0}`: make a key pair of its own")]
    KeyOfAuthority(AuthorityId),
    #[error("public key is blocked ({reason}): make a new key pair")]
    KeyBlocked { reason: String },
    #[error("public key belongs to `{holder}`: make a key pair for each device")]
    KeyOfAnother { holder: String },
    #[error(
        "the clock went back by {seconds_back} s since the last certificate was signed: correct it, then ask again"
    )]
    ClockWentBack { seconds_back: i64 },
    #[error("idempotency key `{0}` was used for another request: choose a new one")]
    IdempotencyKeyReused(String),
    #[error("idempotency key has {0} bytes: give 1 to 200 printable ASCII characters")]
    IdempotencyKeyMalformed(usize),
    #[error(
        "authority `{authority}`, or one above it, was revoked at {at} ({reason}), so it signs nothing: name another"
    )]
    AuthorityRevoked { authority: AuthorityId, at: Timestamp, reason: Reason },
    #[error(
        "generation `{generation}` of holder `{holder}` was revoked at {at} ({reason}): ask with its generation as it is now"
    )]
    HolderRevoked { holder: String, generation: String, at: Timestamp, reason: Reason },
    #[error(
        "holder `{holder}` is barred since {at} ({reason}): it gets no certificate until an operator readmits it"
    )]
    HolderBarred { holder: String, at: Timestamp, reason: Reason },
    #[error("the same request is being answered: ask again in a moment")]
    InProgress,
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error("the certificate is not recorded, so it is not issued: {0}")]
    Record(#[from] WriteError),
    #[error(transparent)]
    Read(#[from] CertificateReadError),
}

impl IssueError {
    /// Whether it says no, and not that it could not be done now.
    pub fn is_a_decision(&self) -> bool {
        match self {
            Self::NoSuchAuthority(_)
            | Self::NotActive { .. }
            | Self::KeyElsewhere(_)
            | Self::NoSuchProfile(_)
            | Self::NotGranted(_)
            | Self::Refused(_)
            | Self::KeyOfAuthority(_)
            | Self::KeyBlocked { .. }
            | Self::KeyOfAnother { .. }
            | Self::ClockWentBack { .. }
            | Self::IdempotencyKeyReused(_)
            | Self::IdempotencyKeyMalformed(_)
            | Self::AuthorityRevoked { .. }
            | Self::HolderRevoked { .. }
            | Self::HolderBarred { .. }
            | Self::Build(_)
            | Self::Sign(_) => true,
            Self::InProgress | Self::Record(_) | Self::Read(_) => false,
        }
    }
}

impl From<StoreError> for IssueError {
    fn from(error: StoreError) -> Self {
        Self::Read(error.into())
    }
}

#[cfg(test)]
pub(crate) mod tests;
