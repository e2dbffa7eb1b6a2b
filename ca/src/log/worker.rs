//! The sequencer: the one task that gives entries and leaves their places, and writes all that is waiting in one commit.
//!
//! Callers do not wait for each other but for the commit they share. The places are right whoever else appends: the
//! commit moves the head from where this one took it to be, or does nothing.

use tokio::sync::{mpsc, oneshot, watch};

use muster_store::{Db, WriteError};

use super::{
    Head, ReadError, Record, Recorded,
    batch::{Batch, Owner},
    sql,
};

/// How many records may wait: two commits' worth, so that the next is complete when the last is done. Further callers
/// wait for a place.
pub(super) const QUEUE_MAX: usize = 1024;
/// How many records share a commit. By then its sync costs each next to nothing; more would make the first one wait.
const BATCH_MAX: usize = 512;
/// How often a batch is placed anew because others appended first. Each time one of the others was done, so this many
/// in a row mean that something else is wrong.
const CONFLICTS_MAX: u32 = 64;

pub(super) type Answer = Result<Recorded, WriteError>;

pub(super) struct Job {
    pub(super) record: Record,
    pub(super) caller: oneshot::Sender<Answer>,
}

pub(super) struct Sequencer {
    pub(super) db: Db,
    pub(super) queue: mpsc::Receiver<Job>,
    /// Where both logs end, as far as is known here.
    pub(super) head: Head,
    /// How many certificates there are, for those who follow them. Dropped when the sequencer is done, which is how others
    /// know.
    pub(super) certificates: watch::Sender<u64>,
}

/// What became of a batch.
enum Outcome {
    Written(Vec<Recorded>),
    /// Somebody else appended first.
    Conflict(WriteError),
    /// One record cannot be written: its own rows or statements were refused.
    Guilty {
        record: usize,
        error: WriteError,
    },
    /// At least one, but it is not known which.
    SomeGuilty {
        index: usize,
        error: WriteError,
    },
    Failed(WriteError),
}

impl Sequencer {
    /// Ends when the last sender of its queue is gone and all that was handed in is written.
    pub(super) async fn run(mut self) {
        let mut jobs = Vec::with_capacity(BATCH_MAX);
        while self.queue.recv_many(&mut jobs, BATCH_MAX).await > 0 {
            self.gather(&mut jobs).await;
            self.write(std::mem::take(&mut jobs)).await;
            let size = self.head.edge.size();
            self.certificates.send_if_modified(|told| std::mem::replace(told, size) != size);
        }
        drop(self.certificates);
    }

    /// Takes along who comes at the same time. The commit before has woken many callers at once, and the first of them has
    /// woken this task: without letting the others run it would make a commit for that one alone, and all others wait.
    async fn gather(&mut self, jobs: &mut Vec<Job>) {
        loop {
            tokio::task::yield_now().await;
            let room = BATCH_MAX - jobs.len();
            if room == 0 || self.queue.is_empty() {
                return;
            }
            self.queue.recv_many(jobs, room).await;
        }
    }

    /// Writes these records, in their order; in halves when some are refused, until only the guilty are left.
    async fn write(&mut self, jobs: Vec<Job>) {
        let mut conflicts = 0;
        let mut parts = vec![jobs];
        while let Some(mut part) = parts.pop() {
            match self.attempt(&part).await {
                Outcome::Written(places) => answer(part, places.into_iter().map(Ok)),
                Outcome::Conflict(error) => {
                    conflicts += 1;
                    match self.reload().await {
                        Ok(()) if conflicts <= CONFLICTS_MAX => parts.push(part),
                        Ok(()) => fail(part, &error),
                        Err(unread) => {
                            tracing::warn!(error = %unread, "the head of the logs cannot be read");
                            fail(part, &error);
                        }
                    }
                }
                Outcome::Guilty { record, error } => {
                    answer([part.remove(record)], [Err(error)]);
                    parts.push(part);
                }
                Outcome::SomeGuilty { index, error } if part.len() == 1 => {
                    answer(part, [Err(with_index(error, index))]);
                }
                Outcome::SomeGuilty { .. } => {
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                }
                Outcome::Failed(error) => fail(part, &error),
            }
        }
    }

    async fn attempt(&mut self, jobs: &[Job]) -> Outcome {
        if jobs.is_empty() {
            return Outcome::Written(Vec::new());
        }
        let mut batch = Batch::new(&self.head, jobs.iter().map(|job| &job.record));
        match self.db.write(std::mem::take(&mut batch.unit)).await {
            Ok(_) => {
                self.head = batch.head;
                Outcome::Written(batch.recorded)
            }
            Err(error @ (WriteError::Unmet { index, .. } | WriteError::Refused { index, .. })) => {
                match batch.owner(index) {
                    // Refused, too: a deadlock of two nodes on PostgreSQL ends so for one of them.
                    Owner::Head | Owner::Logs => Outcome::Conflict(error),
                    Owner::Rows { index } => Outcome::SomeGuilty { index, error },
                    Owner::Statement { record, index } => {
                        Outcome::Guilty { record, error: with_index(error, index) }
                    }
                }
            }
            Err(error @ WriteError::Uncertain(_)) => self.settle(batch, error).await,
            Err(error @ (WriteError::Failed(_) | WriteError::Closed)) => Outcome::Failed(error),
        }
    }

    /// Nobody knows whether the commit happened, but the chain does: it has the batch's last entry, or has not.
    async fn settle(&mut self, batch: Batch, error: WriteError) -> Outcome {
        let chain = batch.head.chain;
        let found = sql::hash_of_entry(&self.db, chain.entries).await;
        if let Err(unread) = self.reload().await {
            tracing::warn!(error = %unread, "the head of the logs cannot be read");
        }
        match found {
            Ok(Some(hash)) if hash == chain.hash => Outcome::Written(batch.recorded),
            Ok(_) | Err(_) => Outcome::Failed(error),
        }
    }

    async fn reload(&mut self) -> Result<(), ReadError> {
        self.head = sql::head(&self.db).await?;
        Ok(())
    }
}

/// Tells every caller; who stopped waiting is not told.
fn answer(jobs: impl IntoIterator<Item = Job>, answers: impl IntoIterator<Item = Answer>) {
    for (job, answer) in jobs.into_iter().zip(answers) {
        let _ = job.caller.send(answer);
    }
}

fn fail(jobs: Vec<Job>, error: &WriteError) {
    answer(jobs, std::iter::repeat(Err(error.clone())));
}

/// The error as the record's owner counts statements.
fn with_index(error: WriteError, index: usize) -> WriteError {
    match error {
        WriteError::Unmet { expected, changed, .. } => WriteError::Unmet { index, expected, changed },
        WriteError::Refused { source, .. } => WriteError::Refused { index, source },
        error @ (WriteError::Failed(_) | WriteError::Uncertain(_) | WriteError::Closed) => error,
    }
}
