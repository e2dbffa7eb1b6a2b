//! The audit log: every decision of the authority, allowed or refused, in a hash chain.

mod chain;
mod export;
pub(crate) mod refusals;
mod service;
pub(crate) mod sql;

pub use chain::{Broken, ChainHead, Chained, verify};
pub use export::{
    AuditExport, ExportError, Found, LineError, Verified, VerifyError, VerifyExportError, Wrong,
    find_in_export, verify_export,
};
pub(crate) use service::Audit;

use crate::{caller::Caller, log::sha256};

/// Longer than any name or reason of ours; what a stranger sent must not fill the disk.
const TEXT_BYTES_MAX: usize = 1024;

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    Allowed,
    Refused,
}

/// What was done or asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    HolderReadmit,
    ExternalChange,
    PolicyChange,
    LogKeyCreate,
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

    /// Which certificate it is about.
    #[must_use]
    pub fn of(mut self, certificate_der: &[u8]) -> Self {
        self.certificate_sha256 = Some(sha256(&[certificate_der]));
        self
    }

    /// What is kept of it.
    pub(crate) fn kept(mut self) -> Self {
        for text in [&mut self.actor, &mut self.credential, &mut self.object, &mut self.reason] {
            keep(text);
        }
        self
    }
}

/// Cuts a text to its bound, and takes NUL out of it, which PostgreSQL does not store.
fn keep(text: &mut String) {
    const MARK: char = '…';
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX - MARK.len_utf8()));
        text.push(MARK);
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
            Self::HolderReadmit => "holder.readmit",
            Self::ExternalChange => "external.change",
            Self::PolicyChange => "policy.change",
            Self::LogKeyCreate => "log.key.create",
        }
    }
}

#[cfg(test)]
mod tests;
