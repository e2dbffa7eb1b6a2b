//! Revocations in memory and on disk.

use tokio::sync::broadcast;

use muster_store::{Db, StoreError};

use super::Revoked;
use crate::Ca;

/// Who is slower than this many revocations asks again about everyone: nothing is lost, only told at once.
const EVENTS_MAX: usize = 1024;

/// All revocations, exact, for answers without the disk.
pub(crate) struct Revocations {
    events: broadcast::Sender<Revoked>,
}

impl Revocations {
    pub(crate) async fn open(_db: &Db) -> Result<Self, StoreError> {
        Ok(Self { events: broadcast::channel(EVENTS_MAX).0 })
    }
}

impl Ca {
    /// Revocations from now on.
    pub fn revocations(&self) -> broadcast::Receiver<Revoked> {
        self.revocations.events.subscribe()
    }
}
