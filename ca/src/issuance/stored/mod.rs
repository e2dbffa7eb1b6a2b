//! Certificates as they are found again.

mod service;

use jiff::Timestamp;

use muster_store::StoreError;
use muster_x509::Certificate;

use crate::{hierarchy::AuthorityId, issuance::Holder, profile::ProfileId};

/// What is known of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub authority: AuthorityId,
    pub serial: [u8; 16],
    pub profile: ProfileId,
    pub stage: Stage,
    /// RFC 4514.
    pub subject: String,
    pub holder: Option<String>,
    pub generation: Option<String>,
    /// Who asked, by which credential.
    pub caller: String,
    pub not_after: Timestamp,
    pub recorded: Timestamp,
}

/// How far it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Its serial and contents are recorded; nothing is signed yet, as far as is known.
    Recorded,
    Issued {
        log_index: u64,
        certificate: Certificate,
    },
    /// Never signed, and never will be; its serial is not used again.
    Abandoned,
}

/// Which certificates are listed: those that fit everything that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub authority: Option<AuthorityId>,
    /// A name, of whatever version.
    pub profile: Option<String>,
    pub holder: Option<String>,
    /// The subject's common name.
    pub common_name: Option<String>,
    pub expires_before: Option<Timestamp>,
    pub expires_after: Option<Timestamp>,
}

/// Certificates in the order in which they were issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Perhaps fewer than asked for, or none, though there are more: a search goes so far and no farther at a time.
    pub certificates: Vec<Stored>,
    /// Where the next page begins; none at the end.
    pub next: Option<u64>,
}

/// Why a certificate cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CertificateReadError {
    #[error("certificates cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error(
        "certificate `{serial}` is damaged in the database (column `{column}`): restore it from a backup"
    )]
    Damaged { serial: String, column: &'static str },
}

impl Stored {
    /// Whom it was issued to, in the generation of then.
    pub(crate) fn held_by(&self) -> Option<Holder> {
        let generation = self.generation.clone().unwrap_or_default();
        self.holder.clone().map(|name| Holder { name, generation })
    }

    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        match &self.stage {
            Stage::Issued { certificate, .. } => Some(certificate),
            Stage::Recorded | Stage::Abandoned => None,
        }
    }
}
