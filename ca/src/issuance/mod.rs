//! Certificates issued: asked for, checked, recorded, signed, recorded again, answered.

mod names;
pub(crate) mod server;
mod service;

use jiff::Timestamp;

use muster_store::{StoreError, WriteError};
use muster_x509::{Certificate, Csr};

use crate::{
    caller::Caller,
    hierarchy::{AuthorityId, BuildError},
    keys::SignError,
    profile::Refused,
};

pub use names::NameError;
pub use server::{ServerCertificate, ServerCertificateError};

pub(crate) use names::ServerNames;
pub(crate) use service::{Issuance, Signing};

#[derive(Debug, Clone)]
pub struct Request {
    pub authority: AuthorityId,
    pub profile: String,
    pub csr: Csr,
    pub subject: SubjectFacts,
    pub caller: Caller,
    /// The same key within a day gets the same answer.
    pub idempotency_key: Option<String>,
    pub holder: Option<Holder>,
    /// Earlier than what the profile gives, when asked for.
    pub not_after: Option<Timestamp>,
}

/// What is known of the subject from elsewhere than the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectFacts {
    pub common_name: Option<String>,
    pub serial_number: Option<String>,
}

/// Whose the certificate is; opaque here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub name: String,
    /// Stands in the certificate: another one for the holder revokes all with the old.
    pub generation: String,
}

#[derive(Debug, Clone)]
pub struct Issued {
    pub certificate: Certificate,
    /// Its authority, and so on to the root.
    pub chain: Vec<Certificate>,
    pub serial: [u8; 16],
    pub log_index: u64,
}

/// Why no certificate was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error("authority `{0}` is not there: `muster ca tree` shows those that are")]
    NoSuchAuthority(AuthorityId),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error("the certificate is not recorded, so it is not issued: {0}")]
    Record(#[from] WriteError),
    #[error("records cannot be read: {0}")]
    Read(#[from] StoreError),
}

#[cfg(test)]
mod tests;
