//!  answers signed by delegated responders with short-lived keys:The current responder of every authority.

use jiff::Timestamp;

use muster_store::{Db, StoreError};

use crate::Ca;

///  answers signed by delegated responders with short-lived keys:The current responder of every authority.
pub(crate) struct Responders {}

impl Responders {
    pub(crate) async fn open(_db: &Db) -> Result<Self, StoreError> {
        Ok(Self {})
    }
}

impl Ca {
    /// What time alone brings about; tells when it wants to be called again.
    pub(crate) async fn tick_ocsp(&self, _now: Timestamp) -> Option<Timestamp> {
        None
    }
}
