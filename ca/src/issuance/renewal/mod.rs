//! Renewal: another certificate for the identity of one that is there (RFC 7030 section 4.2.2).

mod rules;
mod service;

use jiff::{SignedDuration, Timestamp};

use muster_x509::{Certificate, Csr};

use super::{Holder, IssueError};
use crate::{
    caller::Caller,
    hierarchy::{AuthorityId, BuildError},
};

#[derive(Debug, Clone)]
pub struct RenewRequest {
    pub old: Certificate,
    /// Subject and alternative names as in the old certificate, but for the subject's types of strings; or without any,
    /// which is the same.
    pub csr: Csr,
    /// Who shows the old certificate itself needs no grant: its profile tells whether it may be renewed.
    pub caller: Caller,
    /// Another than the one that issued the old certificate: after a rollover.
    pub authority: Option<AuthorityId>,
    pub idempotency_key: Option<String>,
    /// With the generation as it is now; none keeps that of the old certificate.
    pub holder: Option<Holder>,
}

/// Why a certificate was not renewed.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    #[error("certificate `{serial}` was not issued here: ask who issued it, `{issuer}`")]
    NotOurs { serial: String, issuer: String },
    #[error("certificate `{serial}` is revoked: enroll anew")]
    Revoked { serial: String },
    #[error("certificate `{serial}` has the profile `{profile}`, which is not renewed: enroll anew")]
    NotRenewable { serial: String, profile: String },
    #[error("certificate `{serial}` expired at {not_after}, too long ago: enroll anew")]
    Expired { serial: String, not_after: Timestamp },
    #[error(
        "certificate `{serial}` expired at {not_after}, so it is renewed for the same key only: enroll anew"
    )]
    ExpiredWithNewKey { serial: String, not_after: Timestamp },
    #[error("certificate `{serial}` is valid from {not_before} on: correct the clock")]
    NotYetValid { serial: String, not_before: Timestamp },
    #[error("profile `{profile}` wants a new key at renewal: make a new key pair")]
    SameKey { profile: String },
    #[error("profile `{profile}` keeps the key at renewal: ask with the key of the certificate")]
    OtherKey { profile: String },
    #[error("subject `{asked}` is not that of the certificate, `{old}`: ask for the same")]
    OtherSubject { asked: String, old: String },
    #[error(
        "subject alternative names are not those of the certificate, which has {old}: ask for the same, or for none"
    )]
    OtherNames { old: String },
    #[error("holder `{asked}` is not that of the certificate, `{old}`: ask for the same")]
    OtherHolder { asked: String, old: String },
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl RenewError {
    fn is_a_decision(&self) -> bool {
        match self {
            Self::Issue(error) => error.is_a_decision(),
            Self::NotOurs { .. }
            | Self::Revoked { .. }
            | Self::NotRenewable { .. }
            | Self::Expired { .. }
            | Self::ExpiredWithNewKey { .. }
            | Self::NotYetValid { .. }
            | Self::SameKey { .. }
            | Self::OtherKey { .. }
            | Self::OtherSubject { .. }
            | Self::OtherNames { .. }
            | Self::OtherHolder { .. } => true,
        }
    }
}

impl From<BuildError> for RenewError {
    fn from(error: BuildError) -> Self {
        Self::Issue(error.into())
    }
}

/// When a device had better renew: two thirds into the life of its certificate, so that a third is left for whatever goes
/// wrong. None without an end.
pub fn renew_after(certificate: &Certificate) -> Option<Timestamp> {
    let (begin, end) = (certificate.not_before(), certificate.not_after());
    if end == Timestamp::MAX {
        return None;
    }
    let life_s = end.duration_since(begin).as_secs();
    begin.checked_add(SignedDuration::from_secs(life_s / 3 * 2)).ok()
}
