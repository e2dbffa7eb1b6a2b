//! The log at work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use muster_store::{Db, WriteError};

use super::{
    Head, ReadError, Record, Recorded, sql,
    worker::{Job, QUEUE_MAX, Sequencer},
};
use crate::Ca;

/// Both logs: the way to their sequencer, and where they end.
pub struct Log {
    /// Without it the sequencer finishes what it has, and stops.
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    head: Arc<Mutex<Head>>,
    /// Ends when the sequencer has stopped.
    running: watch::Receiver<()>,
}

impl Log {
    /// Reads where both logs end, however long they are, and starts their sequencer.
    pub async fn open(db: &Db) -> Result<Self, ReadError> {
        let head = Arc::new(Mutex::new(sql::head(db).await?));
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let (finished, running) = watch::channel(());
        // Owned by this handle: it ends with the queue, and `close` waits for it.
        tokio::spawn(Sequencer { db: db.clone(), queue, head: Arc::clone(&head), running: finished }.run());
        Ok(Self { queue: Mutex::new(Some(sender)), head, running })
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
        let mut running = self.running.clone();
        while running.changed().await.is_ok() {}
    }

    fn queue(&self) -> MutexGuard<'_, Option<mpsc::Sender<Job>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ca {
    /// Records what belongs together, in one commit with whatever others record at the same time; durable when it
    /// returns. `Unmet` and `Refused` count the record's own statements, its rows before them.
    pub(crate) async fn append(&self, record: Record) -> Result<Recorded, WriteError> {
        self.log.append(record).await
    }

    /// Signs a checkpoint when one is due.
    pub(crate) async fn tick_log(&self, _now: Timestamp) -> Option<Timestamp> {
        None
    }
}
