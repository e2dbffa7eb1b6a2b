//! The logs and their proofs, answered. Hashes are hexadecimal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `GET /ca/checkpoint`: how far both logs are, signed now.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// The log's public key under its name: what notes, proofs and exports are verified with.
    pub key: String,
    pub certificates: u64,
    pub root: String,
    /// C2SP tlog-checkpoint.
    pub note: String,
    pub entries: u64,
    pub hash: String,
    /// The same form, of the audit log.
    pub audit_note: String,
    pub signed: Timestamp,
}

/// `GET /ca/consistency?from=&to=`: that the log of one size is the beginning of the log of another.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sizes {
    pub from: u64,
    pub to: u64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Consistency {
    pub from: u64,
    pub to: u64,
    pub path: Vec<String>,
}

/// `GET /ca/audit?from=&max=`: entries count from 1; without `from`, the last ones.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AuditList {
    pub from: Option<u64>,
    /// 100 when it is not said, 1000 at most.
    pub max: Option<usize>,
}

/// Entries as an export has them.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditPage {
    pub entries: Vec<serde_json::Value>,
    /// Where to go on; none at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continuation: Option<u64>,
}

/// A line of `GET /ca/audit/verify`: how far it is, and at last what it found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub enum Verifying {
    Pending {
        entries: u64,
        of: u64,
    },
    Whole {
        key: String,
        entries: u64,
        certificates: u64,
        checkpoints: u64,
        root: String,
        signed: Timestamp,
    },
    Broken {
        message: String,
    },
    /// It could not be read to its end, which says nothing about what is in it.
    Unknown {
        message: String,
    },
}
