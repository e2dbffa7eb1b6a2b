//! Copying the WAL into the database file, beside the writer.
//!
//! A checkpoint of what seconds at full speed left would stop appends for as long. So a thread of its own copies the WAL in
//! passes while the writer goes on; but it never catches up with a busy writer, and only a WAL that was copied to its end can
//! begin anew. So the writer copies the rest itself, right after a pass, when that is little: rarely, and shortly.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    time::Duration,
};

use rusqlite::Connection;
use tracing::warn;

use crate::sql;

/// WAL written since the last pass that makes the next one worth its syncs.
const PASS_BYTES: u64 = 16 * 1024 * 1024;
/// WAL after which it is to begin anew. Rare: what the writer does for it must not show in the 99th percentile. The WAL's file
/// keeps that size until the log is closed: writing over what is there syncs faster than growing.
const RESTART_BYTES: u64 = 128 * 1024 * 1024;
/// What the writer copies itself; more than that is left to one more pass.
const REST_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The rest does not get small when the disk is slower than the writer: then it has to wait after all.
const RESTART_LATEST_BYTES: u64 = 512 * 1024 * 1024;
/// WAL that is copied while there is nothing else to do ...
const IDLE_BYTES: u64 = 1024 * 1024;
/// ... which is so when nothing came for this long.
const IDLE_AFTER: Duration = Duration::from_millis(200);

/// The writer's side.
pub(crate) struct Checkpoints {
    passes: SyncSender<()>,
    running: Arc<AtomicBool>,
    /// Written since the WAL began anew. An estimate: data without the pages' overhead.
    wal_bytes: u64,
    /// Of these, what came after the last pass had begun.
    since_pass_bytes: u64,
}

/// The thread's side.
pub(crate) struct Passes {
    connection: Connection,
    passes: Receiver<()>,
    running: Arc<AtomicBool>,
}

pub(crate) fn new(connection: Connection) -> (Checkpoints, Passes) {
    let (sender, passes) = sync_channel(1);
    let running = Arc::new(AtomicBool::new(false));
    let checkpoints =
        Checkpoints { passes: sender, running: running.clone(), wal_bytes: 0, since_pass_bytes: 0 };
    (checkpoints, Passes { connection, passes, running })
}

impl Checkpoints {
    pub(crate) fn wrote(&mut self, bytes: u64) {
        self.wal_bytes += bytes;
        self.since_pass_bytes += bytes;
    }

    /// How long the writer may wait for work before `idle` is to be called.
    pub(crate) fn patience(&self) -> Option<Duration> {
        (self.wal_bytes > IDLE_BYTES).then_some(IDLE_AFTER)
    }

    pub(crate) fn idle(&mut self, connection: &Connection) {
        if !self.running.load(Ordering::Acquire) {
            self.restart(connection);
        }
    }

    /// After each commit.
    pub(crate) fn busy(&mut self, connection: &Connection) {
        if self.running.load(Ordering::Acquire) {
            return;
        }
        let rest_is_small = self.since_pass_bytes <= REST_BYTES_MAX;
        if self.wal_bytes > RESTART_BYTES && (rest_is_small || self.wal_bytes > RESTART_LATEST_BYTES) {
            self.restart(connection);
        } else if self.since_pass_bytes > PASS_BYTES || self.wal_bytes > RESTART_BYTES {
            self.running.store(true, Ordering::Release);
            match self.passes.try_send(()) {
                Ok(()) => self.since_pass_bytes = 0,
                Err(TrySendError::Full(())) => {}
                // The thread is gone: it only ends with the writer, or in a panic.
                Err(TrySendError::Disconnected(())) => self.restart(connection),
            }
        }
    }

    fn restart(&mut self, connection: &Connection) {
        if let Err(error) = sql::checkpoint_restart(connection) {
            warn!(%error, "event log cannot be checkpointed");
        }
        self.wal_bytes = 0;
        self.since_pass_bytes = 0;
    }
}

impl Passes {
    /// The thread: ends with the writer.
    pub(crate) fn run(self) {
        while let Ok(()) = self.passes.recv() {
            if let Err(error) = sql::checkpoint_pass(&self.connection) {
                warn!(%error, "event log cannot be checkpointed beside the writer");
            }
            self.running.store(false, Ordering::Release);
        }
    }
}
