//! The audit log: every decision of the authority, allowed or refused, in a hash chain.

mod chain;
mod service;
pub(crate) mod sql;

pub use chain::{Broken, ChainHead, Chained, verify};
pub(crate) use service::Audit;

use crate::caller::Caller;

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who asked.
    pub actor: String,
    /// By which credential; never the secret.
    pub credential: String,
    pub action: Action,
    /// What it was about: an authority, a certificate's serial, a device, a setting.
    pub object: String,
    pub decision: Decision,
    /// Why: empty when an allowed action needs no reason.
    pub reason: String,
    /// SHA-256 of the request as received.
    pub request_sha256: Option<[u8; 32]>,
    /// SHA-256 of the certificate in DER.
    pub certificate_sha256: Option<[u8; 32]>,
    /// How many alike this entry stands for; 1 but for refusals that came too fast.
    pub count: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    Refused,
}

/// What was done or asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    AuthorityCreate,
    AuthorityRequest,
    AuthorityActivate,
    AuthorityRenew,
    AuthorityChange,
    AuthorityRevoke,
    TrustImport,
    PassphraseChange,
    ProfileChange,
    CredentialChange,
    SignIn,
    CertificateIssue,
    CertificateRenew,
    CertificateRevoke,
    ExternalChange,
}

impl Entry {
    /// An allowed action without more to say; the fields are public for the rest.
    pub fn new(caller: &Caller, action: Action, object: impl Into<String>, decision: Decision) -> Self {
        Self {
            actor: caller.name.clone(),
            credential: caller.credential.to_string(),
            action,
            object: object.into(),
            decision,
            reason: String::new(),
            request_sha256: None,
            certificate_sha256: None,
            count: 1,
        }
    }

    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }
}

impl Decision {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        }
    }
}

impl Action {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorityCreate => "authority.create",
            Self::AuthorityRequest => "authority.request",
            Self::AuthorityActivate => "authority.activate",
            Self::AuthorityRenew => "authority.renew",
            Self::AuthorityChange => "authority.change",
            Self::AuthorityRevoke => "authority.revoke",
            Self::TrustImport => "trust.import",
            Self::PassphraseChange => "passphrase.change",
            Self::ProfileChange => "profile.change",
            Self::CredentialChange => "credential.change",
            Self::SignIn => "sign-in",
            Self::CertificateIssue => "certificate.issue",
            Self::CertificateRenew => "certificate.renew",
            Self::CertificateRevoke => "certificate.revoke",
            Self::ExternalChange => "external.change",
        }
    }
}
