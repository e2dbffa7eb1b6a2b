//! The handle on a log.

use std::{path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;
use tokio::sync::watch;

use crate::event::{Event, Stored};

#[derive(Clone, Debug)]
pub struct Options {
    /// Fixed when the log is made; opening it with another number is an error. 1 to 32.
    pub partitions: u16,
    /// Events waiting for a commit, all callers together; above it `append` waits.
    pub queue_events_max: usize,
    /// The same in bytes.
    pub queue_bytes_max: usize,
    /// Events in one commit: bounds the time a caller waits for others.
    pub commit_events_max: usize,
    /// The same in bytes.
    pub commit_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            partitions: 4,
            queue_events_max: 65_536,
            queue_bytes_max: 32 * 1024 * 1024,
            commit_events_max: 16_384,
            commit_bytes_max: 8 * 1024 * 1024,
        }
    }
}

#[derive(Debug, Error)]
pub enum OpenError {
    #[error(
        "event log `{path}` has {found} partitions, {asked} were asked for; partitions are fixed when the log is made, set `partitions = {found}` or start a new log"
    )]
    Partitions { path: String, found: u16, asked: u16 },
    #[error("partitions is {0}, must be 1 to 32")]
    PartitionsRange(u16),
    #[error("event log `{path}` is of format {found}, this program knows {known}; use a newer one")]
    Format { path: String, found: u32, known: u32 },
    #[error("event log `{path}` cannot be opened: {reason}")]
    Storage { path: String, reason: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// Nothing of this call was kept. Full disk, mostly; worth trying again.
    #[error("events could not be stored: {0}")]
    Storage(Arc<str>),
    #[error("event of {bytes} bytes is over the limit of {max}")]
    TooLarge { bytes: usize, max: usize },
    #[error("event log is closed")]
    Closed,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    #[error("partition {partition} does not exist, there are {partitions}")]
    Partition { partition: u16, partitions: u16 },
    #[error("events {offset} to {} of partition {partition} are damaged on disk ({reason}); restore the file from a backup or read on from {next}", .next - 1)]
    Corrupt { partition: u16, offset: u64, next: u64, reason: &'static str },
    #[error("events could not be read: {0}")]
    Storage(Arc<str>),
    #[error("event log is closed")]
    Closed,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TrimError {
    #[error("events could not be trimmed: {0}")]
    Storage(Arc<str>),
    #[error("event log is closed")]
    Closed,
}

/// Offsets a partition holds: `first..next`; empty when equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pub first: u64,
    pub next: u64,
}

/// What may stay. The oldest go first, whole batches at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    pub age: SignedDuration,
    /// All partitions together, as stored.
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    pub batches: u64,
    pub events: u64,
    pub bytes: u64,
}

/// Cheap to clone; all clones are one log.
#[derive(Clone)]
pub struct Log {
    changed: watch::Receiver<u64>,
}

impl Log {
    /// Makes the file when there is none. Blocks on the disk for a moment.
    pub fn open(_path: &Path, _options: &Options) -> Result<Self, OpenError> {
        let (_, changed) = watch::channel(0);
        Ok(Self { changed })
    }

    /// `Ok`: durable. Waits when the queue is full. Order within a partition is the order of calls. Once queued the events are
    /// written even when the future is dropped.
    pub async fn append(&self, _events: Vec<Event>) -> Result<(), AppendError> {
        Ok(())
    }

    /// Up to `max` events from offset `from` on, fewer when they are large; empty at the end. An offset that was trimmed away
    /// reads on from the first there is.
    pub async fn read(&self, _partition: u16, _from: u64, _max: usize) -> Result<Vec<Stored>, ReadError> {
        Ok(Vec::new())
    }

    /// From memory. A partition that does not exist is empty.
    pub fn extent(&self, _partition: u16) -> Extent {
        Extent { first: 0, next: 0 }
    }

    /// Changes after every commit; the value is the number of commits.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }

    pub async fn trim(&self, _retention: &Retention, _now: Timestamp) -> Result<Trimmed, TrimError> {
        Ok(Trimmed::default())
    }

    pub fn partition_of(&self, device: &str) -> u16 {
        crate::partition::partition_of(device, self.partitions())
    }

    pub fn partitions(&self) -> u16 {
        4
    }

    /// Commits what is queued, then ends the threads. Later calls are refused.
    pub async fn close(&self) {}
}
