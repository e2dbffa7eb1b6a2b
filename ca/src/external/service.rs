//!  uploaded, proved to be possessed, verified:External authorities in memory.

use jiff::Timestamp;

use muster_store::{Db, StoreError};

use crate::Ca;

///  uploaded, proved to be possessed, verified:External authorities in memory.
pub(crate) struct Externals {}

impl Externals {
    pub(crate) async fn open(_db: &Db) -> Result<Self, StoreError> {
        Ok(Self {})
    }
}

impl Ca {
    /// What time alone brings about; tells when it wants to be called again.
    pub(crate) async fn tick_external(&self, _now: Timestamp) -> Option<Timestamp> {
        None
    }
}
