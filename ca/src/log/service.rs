//! The log at work.

use jiff::Timestamp;

use muster_store::{Db, StoreError};

use crate::Ca;

/// The right edge of the tree in memory.
pub(crate) struct Log {}

impl Log {
    pub(crate) async fn open(_db: &Db) -> Result<Self, StoreError> {
        Ok(Self {})
    }
}

impl Ca {
    /// Signs a checkpoint when one is due.
    pub(crate) async fn tick_log(&self, _now: Timestamp) -> Option<Timestamp> {
        None
    }
}
