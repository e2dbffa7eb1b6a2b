//! What is to be recorded together: one decision at least, and what it changed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;

use muster_store::{Rows, Statement};
use muster_x509::Certificate;

use super::merkle::{Hash, leaf_hash, sha256};
use crate::audit::Entry;

/// What one caller hands to the sequencer; all of it is in one commit, or none.
#[derive(Debug)]
pub struct Record {
    pub(super) at: Timestamp,
    /// The first one is the one that the leaf belongs to.
    pub(super) entries: Vec<Entry>,
    pub(super) leaf: Option<Leaf>,
    pub(super) rows: Vec<(&'static Rows, String)>,
    pub(super) statements: Vec<Statement>,
}

/// A certificate on its way into the transparency log, spelled by whoever hands it in: callers are many, the sequencer
/// is one.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) hash: Hash,
    pub(super) base64: String,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Position of the first entry in the audit log, from 1.
    pub sequence: u64,
    /// Position of the certificate in the transparency log, from 0, when there was one.
    pub log_index: Option<u64>,
}

impl Record {
    /// There is no record without a decision.
    pub fn new(entry: Entry, now: Timestamp) -> Self {
        Self { at: now, entries: vec![entry.kept()], leaf: None, rows: Vec::new(), statements: Vec::new() }
    }

    /// A second decision, at once with the first.
    #[must_use]
    pub fn and(mut self, entry: Entry) -> Self {
        self.entries.push(entry.kept());
        self
    }

    /// The certificate that the first decision brought about: it gets its place in the transparency log, which keeps
    /// its bytes (`ca_log_certificate`).
    #[must_use]
    pub fn certificate(mut self, certificate: &Certificate) -> Self {
        let der = certificate.der();
        self.leaf = Some(Leaf { hash: leaf_hash(der), base64: STANDARD.encode(der) });
        if let Some(first) = self.entries.first_mut() {
            first.certificate_sha256 = Some(sha256(&[der]));
        }
        self
    }

    /// For what many callers do at the same time: the rows of one kind become one statement a commit. `row` is a JSON
    /// object; it gets `sequence` and, with a certificate, `log_index`. It must change exactly one row of its table.
    #[must_use]
    pub fn row(mut self, kind: &'static Rows, row: &serde_json::Value) -> Self {
        self.rows.push((kind, row.to_string()));
        self
    }

    /// For what is rare. An unmet expectation undoes this record, and only this.
    #[must_use]
    pub fn with(mut self, statements: Vec<Statement>) -> Self {
        self.statements.extend(statements);
        self
    }
}
