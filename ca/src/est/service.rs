//!  labels, credentials, and what the operations answer:Labels and their credentials.

use jiff::Timestamp;

use muster_store::{Db, StoreError};

use crate::Ca;

///  labels, credentials, and what the operations answer:Labels and their credentials.
pub(crate) struct Est {}

impl Est {
    pub(crate) async fn open(_db: &Db) -> Result<Self, StoreError> {
        Ok(Self {})
    }
}

impl Ca {
    /// What time alone brings about; tells when it wants to be called again.
    pub(crate) async fn tick_est(&self, _now: Timestamp) -> Option<Timestamp> {
        None
    }
}
