//! Both logs in a file, for whoever verifies them elsewhere: JSON lines, each as the next step of one pass.
//!
//! The log's key, then every audit entry in its order, each certificate after the entry that it came from, each checkpoint
//! after the last entry that it covers, and an end, so that what was cut off is missed. Verifying needs no more memory
//! for a million certificates than for one.

mod line;
mod service;
mod verifier;

use muster_store::StoreError;

use super::Broken;
use crate::log::{CheckpointError, Damaged, ReadError, SignCheckpointError};

pub use line::LineError;
pub use service::AuditExport;
pub use verifier::{Found, Verified, find_in_export, verify_export};

pub(crate) use line::{LINE_BYTES_MAX, Line};
pub(crate) use verifier::Verifier;

/// What is wrong with the logs: the first thing that is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error(transparent)]
    Entry(#[from] Broken),
    #[error("audit entry {sequence} says that certificate {index} was logged, but it is missing")]
    CertificateMissing { sequence: u64, index: u64 },
    #[error("audit entry {sequence} has certificate {found} where certificate {expected} comes next")]
    CertificateOutOfOrder { sequence: u64, expected: u64, found: u64 },
    #[error("audit entry {0} says that a certificate was issued, but names none in the log")]
    IssuedUnlogged(u64),
    #[error("certificate {0} has no audit entry")]
    CertificateUnaccounted(u64),
    #[error("certificate {index} is another one than audit entry {sequence} recorded")]
    CertificateReplaced { index: u64, sequence: u64 },
    #[error("leaf {0} of the tree is not the hash of its certificate")]
    Leaf(u64),
    #[error("checkpoint after audit entry {entries} does not hold: {why}")]
    Checkpoint { entries: u64, why: CheckpointError },
    #[error("checkpoint after audit entry {0} does not stand where it was signed")]
    CheckpointMisplaced(u64),
    #[error(
        "tree of {size} certificates has another root than the checkpoint after audit entry {entries} signed"
    )]
    Root { entries: u64, size: u64 },
    #[error("audit log of {0} entries ends with another hash than its checkpoint signed")]
    Chain(u64),
    #[error("last checkpoint covers {signed} audit entries, but there are {entries}")]
    EndUnsigned { signed: u64, entries: u64 },
    #[error("log key is `{found}` where `{expected}` was expected")]
    Key { found: String, expected: String },
    #[error("it does not begin with the key of the log")]
    KeyMissing,
    #[error("it ends before its end")]
    CutOff,
    #[error("there is more after its end")]
    AfterEnd,
    #[error("{0}")]
    Damaged(#[from] Damaged),
    #[error("there are {found} audit entries where the head of the log says {expected}")]
    Entries { found: u64, expected: u64 },
    #[error("there are {found} certificates where the head of the log says {expected}")]
    Certificates { found: u64, expected: u64 },
}

/// Why an export was not verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyExportError {
    #[error("line {line}: {why}")]
    Wrong { line: u64, why: Wrong },
    #[error("line {line} is not one of an export: {why}")]
    Line { line: u64, why: LineError },
    #[error("export cannot be read: {0}")]
    Read(#[from] std::io::Error),
}

/// Why the logs here were not verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Wrong(#[from] Wrong),
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// Why there is no export, or not more of it.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Checkpoint(#[from] SignCheckpointError),
}

impl From<StoreError> for ExportError {
    fn from(error: StoreError) -> Self {
        Self::Read(error.into())
    }
}
