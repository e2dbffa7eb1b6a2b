//! The log at work.

use jiff::Timestamp;

use muster_store::{Db, StoreError, WriteError};

use super::{Record, Recorded};
use crate::Ca;

/// The right edge of the tree in memory.
pub(crate) struct Log {}

impl Log {
    pub(crate) async fn open(_db: &Db) -> Result<Self, StoreError> {
        Ok(Self {})
    }
}

impl Ca {
    /// Records what belongs together, in one commit with whatever others record at the same time; durable when it
    /// returns. `Unmet` and `Refused` count the record's own statements, its rows before them.
    pub(crate) async fn append(&self, record: Record) -> Result<Recorded, WriteError> {
        self.db.write(record.statements).await?;
        Ok(Recorded { sequence: 0, log_index: record.leaf.map(|_| 0) })
    }

    /// Signs a checkpoint when one is due.
    pub(crate) async fn tick_log(&self, _now: Timestamp) -> Option<Timestamp> {
        None
    }
}
