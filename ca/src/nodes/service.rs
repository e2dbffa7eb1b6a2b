//! Hearing what other nodes did.

use jiff::Timestamp;

use muster_store::{Db, StoreError};

use super::{Changes, NodesError, sql};
use crate::{Ca, hierarchy::AuthorityId};

/// Entries that are read at once: a tenth of a megabyte.
const PAGE_MAX: usize = 1000;

/// Up to where the audit log was read; whoever reads on holds it.
pub(crate) struct Heard(tokio::sync::Mutex<u64>);

impl Heard {
    /// From now on: to be made before anything is read into memory.
    pub(crate) async fn open(db: &Db) -> Result<Self, StoreError> {
        Ok(Self(tokio::sync::Mutex::new(sql::entries(db).await?)))
    }
}

impl Ca {
    /// Takes in what other nodes on this database decided since the last time: revocations are in force, and told to those
    /// who listen, when it returns. What could not be read is read again the next time, and holds nothing up that comes
    /// after it. A process that has its database to itself need not ask.
    pub async fn hear_nodes(&self, now: Timestamp) -> Result<(), NodesError> {
        let mut heard = self.heard.0.lock().await;
        let (mut at, mut outcome) = (*heard, Ok(()));
        loop {
            let page = sql::after(&self.db, at, PAGE_MAX).await?;
            let mut changes = Changes::default();
            page.entries.iter().for_each(|(action, object)| changes.take(action, object));
            if outcome.is_ok() {
                outcome = self.follow(changes, now).await;
            } else {
                let _ = self.follow(changes, now).await;
            }
            at = page.until;
            if outcome.is_ok() {
                *heard = at;
            }
            if page.is_last {
                return outcome;
            }
        }
    }

    /// All of it, whatever fails; tells the first failure. Authorities first: what is below one is revoked with it.
    async fn follow(&self, changes: Changes, now: Timestamp) -> Result<(), NodesError> {
        let mut outcomes = Vec::new();
        if changes.hierarchy {
            outcomes.push(self.reload_hierarchy(now).await.map_err(NodesError::from));
        }
        let revoked = changes.revoked;
        for id in revoked.authorities.iter().filter_map(|id| AuthorityId::parse(id).ok()) {
            outcomes.push(self.hear_authority(&id, now).await.map_err(NodesError::from));
        }
        for holder in &revoked.holders {
            outcomes.push(self.hear_holder(holder, now).await.map_err(NodesError::from));
        }
        outcomes.push(self.hear_serials(&revoked.serials, now).await.map_err(NodesError::from));
        if changes.profiles {
            outcomes.push(self.issuance.profiles.reload(&self.db).await.map_err(NodesError::from));
        }
        if changes.grants {
            outcomes.push(self.issuance.grants.reload(&self.db).await.map_err(NodesError::from));
        }
        outcomes.into_iter().collect()
    }
}
