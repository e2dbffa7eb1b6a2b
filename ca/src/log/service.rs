//! The log at work.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};

use muster_store::{Db, WriteError};

use super::{
    ReadError, Record, Recorded,
    checkpoint::Signer,
    sql,
    worker::{Job, QUEUE_MAX, Sequencer},
};
use crate::{Ca, audit::refusals::WINDOW};

/// Entries and refusals come at any time; this late, at most, is seen that there is something to sign or to write.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// Both logs: the way to their sequencer, and the key that signs them.
pub struct Log {
    /// Without it the sequencer finishes what it has, and stops.
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    /// How many there are; ends when the sequencer has stopped.
    certificates: watch::Receiver<u64>,
    pub(super) signer: Signer,
}

impl Log {
    /// Reads where both logs end, however long they are, and starts their sequencer.
    pub async fn open(db: &Db) -> Result<Self, ReadError> {
        let head = sql::head(db).await?;
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let (told, certificates) = watch::channel(head.edge.size());
        // Owned by this handle: it ends with the queue, and `close` waits for it.
        tokio::spawn(Sequencer { db: db.clone(), queue, head, certificates: told }.run());
        Ok(Self { queue: Mutex::new(Some(sender)), certificates, signer: Signer::default() })
    }

    /// See [`Ca::append`]. A caller that stops waiting does not take the record back.
    pub async fn append(&self, record: Record) -> Result<Recorded, WriteError> {
        let (caller, answer) = oneshot::channel();
        // Its own sender, gone before the answer is waited for: a queue that is closing waits for none but these.
        let queue = self.queue().clone().ok_or(WriteError::Closed)?;
        queue.send(Job { record, caller }).await.map_err(|_| WriteError::Closed)?;
        drop(queue);
        answer.await.map_err(|_| WriteError::Closed)?
    }

    /// Writes what was handed in, then stops; later records are answered that the database is closed.
    pub async fn close(&self) {
        self.queue().take();
        let mut running = self.certificates.clone();
        while running.changed().await.is_ok() {}
    }

    pub(crate) fn certificates(&self) -> watch::Receiver<u64> {
        self.certificates.clone()
    }

    fn queue(&self) -> MutexGuard<'_, Option<mpsc::Sender<Job>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ca {
    /// Records what belongs together, in one commit with whatever others record at the same time; durable when it
    /// returns. `Unmet` and `Refused` count the record's own statements, its rows before them.
    pub(crate) async fn append(&self, record: Record) -> Result<Recorded, WriteError> {
        self.log.append(record).await
    }

    /// Writes the refusals that were counted, and signs a checkpoint when one is due.
    pub(crate) async fn tick_log(&self, now: Timestamp) -> Option<Timestamp> {
        let due = self.audit.refusals().due(now);
        if let Err(error) = self.append_entries(due, now).await {
            tracing::warn!(%error, "counted refusals are not in the audit log");
        }
        let next = self.tick_checkpoint(now).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "no checkpoint is signed");
            now + LOOK_EVERY
        });
        let counting = !self.audit.refusals().is_empty();
        Some(next.min(now + if counting { WINDOW } else { LOOK_EVERY }))
    }

    /// Ends both logs: writes what was counted or handed in, and signs it.
    pub async fn close(&self, now: Timestamp) {
        self.crls.close().await;
        let due = self.audit.refusals().all();
        if let Err(error) = self.append_entries(due, now).await {
            tracing::warn!(%error, "counted refusals are not in the audit log");
        }
        if let Err(error) = self.checkpoint(now).await {
            tracing::warn!(%error, "the end of the logs is not signed");
        }
        self.log.close().await;
    }
}
