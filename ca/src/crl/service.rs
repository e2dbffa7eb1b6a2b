//!  one for each shard of each authority, rebuilt when dirty and before they lapse:The current CRL of every shard.

use jiff::Timestamp;

use muster_store::{Db, StoreError};

use crate::Ca;

///  one for each shard of each authority, rebuilt when dirty and before they lapse:The current CRL of every shard.
pub(crate) struct Crls {}

impl Crls {
    pub(crate) async fn open(_db: &Db) -> Result<Self, StoreError> {
        Ok(Self {})
    }
}

impl Ca {
    /// What time alone brings about; tells when it wants to be called again.
    pub(crate) async fn tick_crl(&self, _now: Timestamp) -> Option<Timestamp> {
        None
    }
}
