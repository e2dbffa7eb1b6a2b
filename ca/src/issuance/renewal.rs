//! Renewal: another certificate for the identity of one that is there (RFC 7030 section 4.2.2).

use jiff::Timestamp;

use muster_x509::{Certificate, Csr};

use super::{Holder, IssueError};
use crate::{caller::Caller, hierarchy::AuthorityId};

#[derive(Debug, Clone)]
pub struct RenewRequest {
    pub old: Certificate,
    /// Subject and alternative names as in the old certificate, byte by byte; or none of both.
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
    #[error("subject `{asked}` is not that of the certificate, `{old}`: ask for the same")]
    OtherSubject { asked: String, old: String },
    #[error("subject alternative names are not those of the certificate: ask for the same")]
    OtherNames,
    #[error(transparent)]
    Issue(#[from] IssueError),
}
