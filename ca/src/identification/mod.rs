//! Whose client certificate this is: one of ours, good or not, said from memory, for every connection asks.

mod issuers;
mod said;
mod service;

use jiff::Timestamp;

use muster_x509::{Certificate, Malformed};

use crate::{Revocation, hierarchy::AuthorityId, issuance::Holder};

pub(crate) use issuers::Identification;

/// A certificate that an authority here signed, and what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    pub authority: AuthorityId,
    pub serial: [u8; 16],
    /// None when it was issued to nobody in particular.
    pub holder: Option<Holder>,
    pub common_name: Option<String>,
    pub not_after: Timestamp,
    /// Its thumbprint, as [`crate::Credential::Certificate`] has it.
    pub sha256: String,
    pub certificate: Certificate,
}

/// Why a certificate that a client presented is not one to let it in by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unidentified {
    #[error("client certificate is missing")]
    NoCertificate,
    /// Whoever signed it, it was none of our authorities.
    #[error("client certificate is not issued here")]
    NotOurs,
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Otherwise it was good until then.
    #[error("client certificate expired at {at}: renew it")]
    Expired { at: Timestamp, identified: Box<Identified> },
    /// Also when it expired since.
    #[error("client certificate was revoked at {} ({})", .revocation.at, .revocation.reason)]
    Revoked { revocation: Revocation, identified: Box<Identified> },
    /// It says that it is ours.
    #[error("client certificate is not valid: {0}")]
    Invalid(String),
}

#[cfg(test)]
mod tests;
