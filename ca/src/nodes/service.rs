//! Hearing what other nodes did.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use muster_store::{Db, StoreError};

use super::{Changes, NodesError, sql};
use crate::{Ca, What, hierarchy::AuthorityId};

/// Entries that are read at once: a tenth of a megabyte.
const PAGE_MAX: usize = 1000;

/// For so long a node that has not heard yet may be issuing to a holder that was revoked elsewhere: many times what a look,
/// and a certificate, take.
const OVERTAKEN_WITHIN: SignedDuration = SignedDuration::from_secs(5);
/// Revocations of some seconds; of more the oldest are looked at early.
const OVERTAKEN_MAX: usize = 65_536;

/// Held by whoever reads on.
pub(crate) struct Heard(tokio::sync::Mutex<Reading>);

#[derive(Default)]
struct Reading {
    /// The last entry of the audit log that was taken in.
    entry: u64,
    /// Holders that were revoked, and when that was heard.
    revoked: VecDeque<(Timestamp, String)>,
}

impl Heard {
    /// From now on: to be made before anything is read into memory.
    pub(crate) async fn open(db: &Db) -> Result<Self, StoreError> {
        let entry = sql::entries(db).await?;
        Ok(Self(tokio::sync::Mutex::new(Reading { entry, ..Reading::default() })))
    }
}

impl Ca {
    /// Takes in what other nodes on this database decided since the last time: revocations are in force, and told to those
    /// who listen, when it returns. What could not be read is read again the next time, and holds nothing up that comes
    /// after it. A process that has its database to itself need not ask.
    pub async fn hear_nodes(&self, now: Timestamp) -> Result<(), NodesError> {
        let mut reading = self.heard.0.lock().await;
        self.look_for_overtaken(&mut reading, now);
        let (mut at, mut outcome) = (reading.entry, Ok(()));
        loop {
            let page = sql::after(&self.db, at, PAGE_MAX).await?;
            let mut changes = Changes::default();
            page.entries.iter().for_each(|(action, object)| changes.take(action, object));
            reading.revoked.extend(changes.revoked.holders.iter().map(|holder| (now, holder.clone())));
            let followed = self.follow(changes, now).await;
            outcome = outcome.and(followed);
            at = page.until;
            if outcome.is_ok() {
                reading.entry = at;
            }
            if page.is_last {
                return outcome;
            }
        }
    }

    /// Certificates that another node issued to a holder before it heard of its revocation are revoked like all before them;
    /// the lists that were made meanwhile do not have them yet.
    fn look_for_overtaken(&self, reading: &mut Reading, now: Timestamp) {
        let is_due = |reading: &Reading| {
            let (heard, _) = reading.revoked.front()?;
            let waited = now.duration_since(*heard);
            Some(waited >= OVERTAKEN_WITHIN || reading.revoked.len() > OVERTAKEN_MAX)
        };
        while is_due(reading) == Some(true) {
            let Some((_, holder)) = reading.revoked.pop_front() else { return };
            self.crls.mark(&What::Holder(holder), None, now);
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
        outcomes.push(self.hear_holders(&revoked.holders, now).await.map_err(NodesError::from));
        outcomes.push(self.hear_serials(&revoked.serials, now).await.map_err(NodesError::from));
        if changes.profiles {
            outcomes.push(self.issuance.profiles.reload(&self.db).await.map_err(NodesError::from));
        }
        if changes.grants {
            outcomes.push(self.issuance.grants.reload(&self.db).await.map_err(NodesError::from));
        }
        for object in &changes.est {
            outcomes
                .push(self.est.hear(object, &self.db, &self.issuance.grants).await.map_err(NodesError::from));
        }
        outcomes.into_iter().collect()
    }
}
