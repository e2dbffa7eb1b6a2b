//! Other nodes on the same database: what they decide is taken in here, several times a second.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use muster_ca::Ca;
use muster_dps::Dps;
use muster_store::{Db, Engine};

use crate::ticks::Tick;

/// Two reads by a key, so that what is revoked elsewhere is in force here, and cut, well within a second.
const LOOK: SignedDuration = SignedDuration::from_millis(300);
/// A database that does not answer is not asked more often than it can fail.
const RETRY: SignedDuration = SignedDuration::from_secs(1);

/// None where this process has its database to itself.
pub(crate) fn tick(db: &Db, ca: &Arc<Ca>, dps: &Arc<Dps>) -> Option<Tick> {
    match db.engine() {
        Engine::Sqlite => return None,
        Engine::Postgres => {}
    }
    let (ca, dps) = (ca.clone(), dps.clone());
    Some(Tick::new("nodes", move |now| {
        let (ca, dps) = (ca.clone(), dps.clone());
        async move { hear(&ca, &dps, now).await }
    }))
}

async fn hear(ca: &Ca, dps: &Dps, now: Timestamp) -> Option<Timestamp> {
    let (decided, changed) = tokio::join!(ca.hear_nodes(now), dps.hear_nodes());
    let failed = [decided.err().map(|error| error.to_string()), changed.err().map(|error| error.to_string())];
    let mut pause = LOOK;
    for error in failed.into_iter().flatten() {
        tracing::warn!(error, "what other nodes did is not known here yet");
        pause = RETRY;
    }
    now.checked_add(pause).ok()
}
