//! Certificates as they are found again.

use jiff::Timestamp;

use muster_x509::Certificate;

use crate::{hierarchy::AuthorityId, profile::ProfileId};

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
    pub certificates: Vec<Stored>,
    /// Where the next page begins, if there is one.
    pub next: Option<u64>,
}
