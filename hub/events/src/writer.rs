//! The one thread that writes: takes all that is queued, commits once, answers all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::watch;
use tracing::warn;

use crate::{
    batch::{self, HEADER_BYTES},
    checkpoint::Checkpoints,
    error::{AppendError, TrimError},
    gather::Gather,
    options::{Retention, Trimmed},
    queue::{Abandon, Append, Queue, Trim, Turn},
    sql::{self, Head},
};

/// A reader loads a whole row: a commit that brings one partition more than this makes several.
const ROW_BYTES_MAX: usize = 1024 * 1024;
/// Batches deleted in one commit: appends wait no longer for a trim than for each other.
const TRIM_BATCHES_MAX: usize = 64;

/// First and next offset of a partition, for those who ask without waiting.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) first: AtomicU64,
    pub(crate) next: AtomicU64,
}

/// What the writer knows of a partition; `batch` is the oldest one, when there is any.
struct Partition {
    oldest: Option<Head>,
    next: u64,
    position: u64,
}

pub(crate) struct Writer {
    connection: Connection,
    queue: Arc<Queue>,
    bounds: Arc<[Bounds]>,
    changed: watch::Sender<u64>,
    partitions: Vec<Partition>,
    /// Row buffers kept between commits.
    spare: Vec<Vec<u8>>,
    checkpoints: Checkpoints,
    gather: Gather,
}

/// A row in the making; `data` starts with room for the batch's header.
struct Batch {
    head: Head,
    data: Vec<u8>,
}

impl Writer {
    /// Reads where each partition stands, and looks whether its last batch is what was written.
    pub(crate) fn open(
        connection: Connection,
        queue: Arc<Queue>,
        changed: watch::Sender<u64>,
        checkpoints: Checkpoints,
    ) -> rusqlite::Result<Self> {
        let mut partitions = Vec::new();
        for partition in 0..sql::partitions(&connection)? {
            let (mut next, mut position) = sql::resume(&connection, partition)?;
            if let Some(last) = sql::last(&connection, partition)? {
                next = next.max(last.next_offset());
                position = position.max(last.next_position());
                let data = sql::data(&connection, &last)?;
                if let Err(reason) = batch::verify(&data, partition, last.first_offset, last.count) {
                    warn!(
                        partition,
                        offset = last.first_offset,
                        reason,
                        "last batch of the event log is damaged"
                    );
                }
            }
            partitions.push(Partition { oldest: sql::first(&connection, partition)?, next, position });
        }
        let bounds = partitions.iter().map(|_| Bounds::default()).collect();
        let writer = Self {
            connection,
            queue,
            bounds,
            changed,
            partitions,
            spare: Vec::new(),
            checkpoints,
            gather: Gather::default(),
        };
        writer.publish();
        Ok(writer)
    }

    pub(crate) fn bounds(&self) -> Arc<[Bounds]> {
        self.bounds.clone()
    }

    /// The thread.
    pub(crate) fn run(mut self) {
        let queue = self.queue.clone();
        let _abandon = Abandon(&queue);
        let mut appends = Vec::new();
        let mut trimming: Option<(Trim, Trimmed)> = None;
        loop {
            let patience = match trimming {
                Some(_) => Some(Duration::ZERO),
                None => self.checkpoints.patience(),
            };
            match queue.next(patience, &mut self.gather, &mut appends) {
                Turn::Work(trim) => {
                    trimming = trimming.or(trim.map(|trim| (trim, Trimmed::default())));
                    if !appends.is_empty() {
                        self.commit(&mut appends);
                    }
                    self.checkpoints.busy(&self.connection);
                }
                Turn::Idle if trimming.is_none() => self.checkpoints.idle(&self.connection),
                Turn::Idle => {}
                Turn::End if trimming.is_none() => break,
                Turn::End => {}
            }
            trimming = trimming.and_then(|(trim, done)| self.trim_some(trim, done));
        }
        if let Err(error) = sql::checkpoint_end(&self.connection) {
            warn!(%error, "event log cannot be checkpointed at its end");
        }
    }

    fn commit(&mut self, appends: &mut Vec<Append>) {
        let mut batches = self.batches(appends);
        let stored = self.store(&mut batches).map_err(|error| AppendError::Storage(error.to_string().into()));
        if stored.is_ok() {
            for Batch { head, .. } in &batches {
                let Some(partition) = self.partitions.get_mut(usize::from(head.partition)) else { continue };
                partition.oldest.get_or_insert(*head);
                partition.next = head.next_offset();
                partition.position = head.next_position();
            }
            self.publish();
        }
        self.recycle(batches);
        self.gather.answered(appends.len());
        let (mut events, mut bytes) = (0, 0);
        for append in appends.drain(..) {
            events += append.events;
            bytes += append.bytes;
            // Nobody may be waiting any more.
            let _ = append.answer.send(stored.clone());
        }
        self.queue.release(events, bytes);
    }

    /// One batch a partition, or several when they would become too large.
    fn batches(&mut self, appends: &[Append]) -> Vec<Batch> {
        let mut batches: Vec<Batch> = Vec::new();
        let mut open: Vec<Option<usize>> = vec![None; self.partitions.len()];
        for chunk in appends.iter().flat_map(|append| &append.chunks) {
            let at = usize::from(chunk.partition);
            let (Some(partition), Some(open)) = (self.partitions.get(at), open.get_mut(at)) else { continue };
            let last = open.and_then(|at| batches.get_mut(at));
            let (offset, position) = last.as_ref().map_or((partition.next, partition.position), |last| {
                (last.head.next_offset(), last.head.next_position())
            });
            let batch = match last.filter(|last| last.data.len() + chunk.records.len() <= ROW_BYTES_MAX) {
                Some(batch) => batch,
                None => {
                    let mut data = self.spare.pop().unwrap_or_default();
                    data.extend_from_slice(&[0; HEADER_BYTES]);
                    let head = Head {
                        partition: chunk.partition,
                        first_offset: offset,
                        count: 0,
                        first_us: chunk.first_us,
                        last_us: chunk.last_us,
                        position,
                        bytes: HEADER_BYTES as u64,
                    };
                    *open = Some(batches.len());
                    batches.push(Batch { head, data });
                    let Some(batch) = batches.last_mut() else { continue };
                    batch
                }
            };
            batch.data.extend_from_slice(&chunk.records);
            batch.head.bytes = batch.data.len() as u64;
            batch.head.count += chunk.count;
            batch.head.first_us = batch.head.first_us.min(chunk.first_us);
            batch.head.last_us = batch.head.last_us.max(chunk.last_us);
        }
        batches
    }

    fn store(&mut self, batches: &mut [Batch]) -> rusqlite::Result<()> {
        for Batch { head, data } in &mut *batches {
            batch::seal(data, head.partition, head.first_offset, head.count);
            self.checkpoints.wrote(head.bytes);
        }
        self.in_transaction(|connection| {
            for Batch { head, data } in batches {
                sql::insert(connection, head, data)?;
            }
            Ok(())
        })
    }

    fn in_transaction<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let done = work(&self.connection).and_then(|done| {
            self.connection.prepare_cached("COMMIT")?.execute([])?;
            Ok(done)
        });
        // After some errors SQLite has rolled back by itself.
        if done.is_err()
            && !self.connection.is_autocommit()
            && let Err(error) = self.connection.prepare_cached("ROLLBACK").and_then(|mut sql| sql.execute([]))
        {
            warn!(%error, "event log cannot roll back");
        }
        done
    }

    fn publish(&self) {
        for (bounds, partition) in self.bounds.iter().zip(&self.partitions) {
            let first = partition.oldest.map_or(partition.next, |oldest| oldest.first_offset);
            bounds.first.store(first, Ordering::Release);
            bounds.next.store(partition.next, Ordering::Release);
        }
        self.changed.send_modify(|commits| *commits += 1);
    }

    /// Buffers of usual size are used again, one for each partition.
    fn recycle(&mut self, batches: Vec<Batch>) {
        for Batch { mut data, .. } in batches {
            if self.spare.len() < self.partitions.len() && data.capacity() <= ROW_BYTES_MAX {
                data.clear();
                self.spare.push(data);
            }
        }
    }

    /// Some of the trim; `None` when it is finished and answered.
    fn trim_some(&mut self, trim: Trim, mut done: Trimmed) -> Option<(Trim, Trimmed)> {
        match self.trim_batches(&trim.retention, trim.now.as_microsecond()) {
            Ok(Trimmed { batches: 0, .. }) => {
                let _ = trim.answer.send(Ok(done));
                None
            }
            Ok(some) => {
                done.batches += some.batches;
                done.events += some.events;
                done.bytes += some.bytes;
                Some((trim, done))
            }
            Err(error) => {
                let _ = trim.answer.send(Err(TrimError::Storage(error.to_string().into())));
                None
            }
        }
    }

    /// One commit's worth of the oldest batches that may not stay.
    fn trim_batches(&mut self, retention: &Retention, now_us: i64) -> rusqlite::Result<Trimmed> {
        let age_us = i64::try_from(retention.age.as_micros()).unwrap_or(i64::MAX);
        let keep_from_us = now_us.saturating_sub(age_us);
        let mut oldest: Vec<Option<Head>> =
            self.partitions.iter().map(|partition| partition.oldest).collect();
        let mut bytes: u64 = self.partitions.iter().map(Partition::bytes).sum();
        let mut gone = Trimmed::default();
        self.in_transaction(|connection| {
            while gone.batches < TRIM_BATCHES_MAX as u64 {
                let Some(head) = oldest.iter().flatten().min_by_key(|head| head.last_us).copied() else {
                    break;
                };
                if head.last_us >= keep_from_us && bytes <= retention.bytes {
                    break;
                }
                sql::delete(connection, &head)?;
                let next = sql::first(connection, head.partition)?;
                if next.is_none() {
                    sql::set_resume(connection, head.partition, head.next_offset(), head.next_position())?;
                }
                if let Some(slot) = oldest.get_mut(usize::from(head.partition)) {
                    *slot = next;
                }
                bytes = bytes.saturating_sub(head.bytes);
                gone.batches += 1;
                gone.events += head.count;
                gone.bytes += head.bytes;
            }
            Ok(())
        })?;
        for (partition, oldest) in self.partitions.iter_mut().zip(oldest) {
            partition.oldest = oldest;
        }
        if gone.batches > 0 {
            self.publish();
        }
        Ok(gone)
    }
}

impl Partition {
    fn bytes(&self) -> u64 {
        self.oldest.map_or(0, |oldest| self.position.saturating_sub(oldest.position))
    }
}
