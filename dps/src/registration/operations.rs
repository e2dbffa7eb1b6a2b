//! The latest operations in memory: polls are answered from here, and each device's jobs take turns.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::{OperationId, record::Record, worker::Job};
use crate::attestation::Verified;

/// Ended operations kept, some 30 MB: seconds of polls at full speed. Later polls are answered from the table.
const ENDED_MAX: usize = 16_384;

#[derive(Default)]
pub(crate) struct Operations {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By registration id in lower case; the latest operation of each.
    latest: HashMap<String, Entry>,
    /// Ended ones, oldest first.
    ended: VecDeque<(String, i64)>,
    /// Who is at work, and who waits for the same device.
    turns: HashMap<String, Option<Job>>,
    /// Operations that a request or a job of this process sees to.
    claimed: HashSet<OperationId>,
}

/// Says that somebody sees to an operation, until it is dropped: with its job, or with a request whose connection was lost. From
/// then on the sweep may find it.
#[derive(Debug)]
pub(crate) struct Claim {
    operations: Arc<Operations>,
    operation: OperationId,
}

/// An operation that came through this process.
#[derive(Clone)]
pub(crate) struct Entry {
    version: i64,
    /// Who it was: a poll with the same credential needs no other proof.
    pub(crate) verified: Arc<Verified>,
    pub(crate) record: Arc<Record>,
    pub(crate) changed: Arc<Notify>,
}

/// Whether a job may start.
pub(crate) enum Turn {
    Now(Job),
    /// After the one at work. Whoever waited before is displaced: only the latest counts.
    Later {
        displaced: Option<Job>,
    },
    /// A later operation has begun; this one has nothing left to do.
    Superseded(Job),
}

impl Operations {
    pub(crate) fn begun(&self, version: i64, record: Record, verified: Arc<Verified>) {
        let id = record.id.folded();
        let ended = !record.is_pending();
        let entry = Entry { version, verified, record: Arc::new(record), changed: Arc::new(Notify::new()) };
        let mut inner = self.lock();
        if inner.latest.get(&id).is_some_and(|known| known.version > version) {
            return;
        }
        let former = inner.latest.insert(id.clone(), entry);
        if ended {
            inner.note_ended(id, version);
        }
        drop(inner);
        if let Some(former) = former {
            former.changed.notify_waiters();
        }
    }

    /// The latest operation of this device, if that is what was asked for.
    pub(crate) fn find(&self, folded_id: &str, operation: &OperationId) -> Option<Entry> {
        self.lock().latest.get(folded_id).filter(|entry| entry.record.answers(operation)).cloned()
    }

    pub(crate) fn ended(&self, record: &Record) {
        let id = record.id.folded();
        let mut inner = self.lock();
        let Some(entry) = inner.latest.get_mut(&id) else { return };
        if entry.record.operation != record.operation {
            return;
        }
        entry.record = Arc::new(record.clone());
        let (version, changed) = (entry.version, Arc::clone(&entry.changed));
        inner.note_ended(id, version);
        drop(inner);
        changed.notify_waiters();
    }

    /// The record was deleted: there is nothing to poll any more.
    pub(crate) fn forget(&self, folded_id: &str) {
        self.lock().latest.remove(folded_id);
    }

    pub(crate) fn turn(&self, job: Job) -> Turn {
        let id = job.record.id.folded();
        let mut inner = self.lock();
        let superseded = inner.latest.get(&id).is_some_and(|known| known.version > job.version);
        if superseded {
            return Turn::Superseded(job);
        }
        match inner.turns.get_mut(&id) {
            None => {
                inner.turns.insert(id, None);
                Turn::Now(job)
            }
            Some(Some(waiting)) if waiting.version > job.version => Turn::Superseded(job),
            Some(waiting) => Turn::Later { displaced: waiting.replace(job) },
        }
    }

    /// The job at work is done; answers with the one that waited.
    pub(crate) fn done(&self, folded_id: &str) -> Option<Job> {
        let mut inner = self.lock();
        let next = inner.turns.remove(folded_id).flatten();
        if next.is_some() {
            inner.turns.insert(folded_id.to_owned(), None);
        }
        next
    }

    /// Before the operation is in the table, so that the sweep never takes it from a request that has just written it.
    pub(crate) fn claim(self: &Arc<Self>, operation: &OperationId) -> Claim {
        self.lock().claimed.insert(operation.clone());
        Claim { operations: Arc::clone(self), operation: operation.clone() }
    }

    pub(crate) fn is_seen_to(&self, folded_id: &str, operation: &OperationId) -> bool {
        let inner = self.lock();
        inner.claimed.contains(operation) || inner.turns.contains_key(folded_id)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.operations.lock().claimed.remove(&self.operation);
    }
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operations")
    }
}

impl Inner {
    fn note_ended(&mut self, id: String, version: i64) {
        self.ended.push_back((id, version));
        while self.ended.len() > ENDED_MAX {
            let Some((id, version)) = self.ended.pop_front() else { return };
            if self.latest.get(&id).is_some_and(|entry| entry.version == version) {
                self.latest.remove(&id);
            }
        }
    }
}
