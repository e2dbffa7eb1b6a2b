//! The handle on a log.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    thread,
};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    batch, checkpoint,
    error::{AppendError, OpenError, ReadError, TrimError},
    event::{Event, Stored},
    options::{EVENT_BYTES_MAX, Options, PARTITIONS_MAX, Retention, Trimmed},
    partition::partition_of,
    queue::Queue,
    reader::{self, Request},
    sql::{self, Found},
    writer::{Bounds, Writer},
};

/// Reads are short and mostly from memory; a second thread keeps one slow read from holding up all others.
const READERS: usize = 2;

/// Offsets that a partition holds: `first..next`; empty when equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pub first: u64,
    pub next: u64,
}

/// Cheap to clone; all clones are one log. Its threads end after `close` or with the last clone.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    queue: Arc<Queue>,
    bounds: Arc<[Bounds]>,
    changed: watch::Receiver<u64>,
    readers: Vec<mpsc::Sender<Option<Request>>>,
    /// Ends with the last thread.
    alive: watch::Receiver<()>,
}

impl Log {
    /// Makes the file when there is none. Blocks on the disk for a moment.
    pub fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let shown = || path.display().to_string();
        let storage = |reason: String| OpenError::Storage { path: shown(), reason };
        let failed = |error: rusqlite::Error| storage(error.to_string());
        if options.partitions == 0 || options.partitions > PARTITIONS_MAX {
            return Err(OpenError::PartitionsRange { asked: options.partitions, max: PARTITIONS_MAX });
        }
        let connection = match sql::open_writer(path, options).map_err(failed)? {
            Found::Ours(connection) => connection,
            Found::Foreign => return Err(OpenError::Foreign { path: shown() }),
            Found::Format { found, known } => return Err(OpenError::Format { path: shown(), found, known }),
        };
        let found = sql::partitions(&connection).map_err(failed)?;
        if found != options.partitions {
            return Err(OpenError::Partitions { path: shown(), found, asked: options.partitions });
        }

        let queue = Arc::new(Queue::new(options));
        let (changes, changed) = watch::channel(0);
        let (living, alive) = watch::channel(());
        let (checkpoints, passes) = checkpoint::new(sql::open_checkpointer(path).map_err(failed)?);
        let writer = Writer::open(connection, queue.clone(), changes, checkpoints).map_err(failed)?;
        let bounds = writer.bounds();
        let mut readers = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let (requests, receiver) = mpsc::channel(reader::REQUESTS_MAX);
            let connection = reader::open(path).map_err(failed)?;
            let living = living.clone();
            spawn("events-read", move || {
                reader::run(&connection, receiver);
                drop((connection, living)); // in this order
            })
            .map_err(|error| storage(error.to_string()))?;
            readers.push(requests);
        }
        let copying = living.clone();
        spawn("events-copy", move || {
            passes.run();
            drop(copying);
        })
        .map_err(|error| storage(error.to_string()))?;
        spawn("events-write", move || {
            writer.run();
            drop(living);
        })
        .map_err(|error| storage(error.to_string()))?;
        Ok(Self(Arc::new(Inner { queue, bounds, changed, readers, alive })))
    }

    /// `Ok`: durable. Waits when the queue is full. Order within a partition is the order of calls. Once queued, the events are
    /// written even when this future is dropped.
    pub async fn append(&self, events: Vec<Event>) -> Result<(), AppendError> {
        if events.is_empty() {
            return Ok(());
        }
        for event in &events {
            let bytes = batch::encoded_bytes_max(event);
            if bytes > EVENT_BYTES_MAX {
                return Err(AppendError::EventTooLarge { bytes, max: EVENT_BYTES_MAX });
            }
        }
        let chunks = batch::encode(&events, self.partitions());
        // They may hold on to the buffers of connections.
        drop(events);
        self.0.queue.append(chunks).await
    }

    /// Up to `max` events from offset `from` on, fewer when they are large; none at the end. Where `from` was trimmed away, from
    /// the first there is.
    pub async fn read(&self, partition: u16, from: u64, max: usize) -> Result<Vec<Stored>, ReadError> {
        if partition >= self.partitions() {
            return Err(ReadError::Partition { partition, partitions: self.partitions() });
        }
        if max == 0 || from >= self.extent(partition).next {
            return Ok(Vec::new());
        }
        let readers = &self.0.readers;
        let reader = readers.get(usize::from(partition) % readers.len()).ok_or(ReadError::Closed)?;
        let (answer, answered) = oneshot::channel();
        let request = Request { partition, from, max, answer };
        reader.send(Some(request)).await.map_err(|_| ReadError::Closed)?;
        answered.await.map_err(|_| ReadError::Closed)?
    }

    /// From memory. A partition that does not exist is empty.
    pub fn extent(&self, partition: u16) -> Extent {
        self.0.bounds.get(usize::from(partition)).map_or(Extent { first: 0, next: 0 }, |bounds| {
            let first = bounds.first.load(Ordering::Acquire);
            Extent { first, next: bounds.next.load(Ordering::Acquire).max(first) }
        })
    }

    /// Changes after every commit; the value counts them.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.0.changed.clone()
    }

    /// Deletes the oldest batches until the rest may stay, in small commits between which appends have their turn.
    pub async fn trim(&self, retention: &Retention, now: Timestamp) -> Result<Trimmed, TrimError> {
        self.0.queue.trim(retention.clone(), now).await
    }

    pub fn partition_of(&self, device: &str) -> u16 {
        partition_of(device, self.partitions())
    }

    pub fn partitions(&self) -> u16 {
        self.0.bounds.len() as u16
    }

    /// Commits what is queued and ends the threads; later calls are refused. Returns when the file is closed.
    pub async fn close(&self) {
        self.0.queue.close();
        for reader in &self.0.readers {
            // An error: it has ended already.
            let _ = reader.send(None).await;
        }
        let mut alive = self.0.alive.clone();
        while alive.changed().await.is_ok() {}
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    thread::Builder::new().name(name.into()).spawn(run).map(drop)
}
