//! The way to the writer: bounded in events and bytes; who finds it full waits.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{Semaphore, oneshot},
    task::unconstrained,
};

use crate::{
    batch::Chunk,
    error::{AppendError, TrimError},
    gather::{GATHER_MAX, Gather},
    options::{Options, Retention, Trimmed},
};

pub(crate) struct Append {
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    pub(crate) answer: oneshot::Sender<Result<(), AppendError>>,
}

pub(crate) struct Trim {
    pub(crate) retention: Retention,
    pub(crate) now: Timestamp,
    pub(crate) answer: oneshot::Sender<Result<Trimmed, TrimError>>,
}

pub(crate) struct Queue {
    /// Who waits for room holds it, so that others come after: fair, so callers pass in the order in which they came.
    door: tokio::sync::Mutex<()>,
    events: Semaphore,
    bytes: Semaphore,
    /// One trim at a time.
    trims: Semaphore,
    events_max: usize,
    bytes_max: usize,
    commit_events_max: usize,
    commit_bytes_max: usize,
    waiting: Mutex<Waiting>,
    work: Condvar,
}

struct Waiting {
    /// Each holds at least one permit of `events`: that bounds it.
    appends: VecDeque<Append>,
    trim: Option<Trim>,
    /// The writer sleeps until there are so many; `AWAKE` while it does not. Waking costs a system call, also when nobody sleeps.
    wanted: usize,
    open: bool,
}

/// Nobody is to be woken.
const AWAKE: usize = usize::MAX;

/// What the writer is to do next.
pub(crate) enum Turn {
    Work(Option<Trim>),
    /// Nothing came for as long as it was asked to wait.
    Idle,
    /// Closed, and everything is done.
    End,
}

impl Queue {
    pub(crate) fn new(options: &Options) -> Self {
        // What a semaphore can count in one call.
        let permits = |wanted: usize| wanted.clamp(1, u32::MAX as usize).min(Semaphore::MAX_PERMITS);
        let (events_max, bytes_max) = (permits(options.queue_events_max), permits(options.queue_bytes_max));
        Self {
            door: tokio::sync::Mutex::new(()),
            events: Semaphore::new(events_max),
            bytes: Semaphore::new(bytes_max),
            trims: Semaphore::new(1),
            events_max,
            bytes_max,
            commit_events_max: options.commit_events_max,
            commit_bytes_max: options.commit_bytes_max,
            waiting: Mutex::new(Waiting { appends: VecDeque::new(), trim: None, wanted: AWAKE, open: true }),
            work: Condvar::new(),
        }
    }

    /// Waits for room, then for the commit.
    pub(crate) async fn append(&self, chunks: Vec<Chunk>) -> Result<(), AppendError> {
        // Without tokio's budget, which would send a caller with room away and let the next one pass.
        let answered = unconstrained(self.enter(chunks)).await?;
        answered.await.map_err(|_| AppendError::Closed)?
    }

    async fn enter(
        &self,
        chunks: Vec<Chunk>,
    ) -> Result<oneshot::Receiver<Result<(), AppendError>>, AppendError> {
        let events = chunks.iter().map(|chunk| chunk.count as usize).sum();
        let bytes = chunks.iter().map(|chunk| chunk.records.len()).sum();
        let (events_max, bytes_max) = (self.events_max, self.bytes_max);
        if events > events_max || bytes > bytes_max {
            return Err(AppendError::CallTooLarge { events, events_max, bytes, bytes_max });
        }
        let closed = |_| AppendError::Closed;
        let _door = self.door.lock().await;
        let event_permits = self.events.acquire_many(events as u32).await.map_err(closed)?;
        let byte_permits = self.bytes.acquire_many(bytes as u32).await.map_err(closed)?;
        let (answer, answered) = oneshot::channel();
        let enough = {
            let mut waiting = self.lock();
            if !waiting.open {
                return Err(AppendError::Closed);
            }
            waiting.appends.push_back(Append { chunks, events, bytes, answer });
            let enough = waiting.appends.len() >= waiting.wanted;
            if enough {
                waiting.wanted = AWAKE;
            }
            enough
        };
        if enough {
            self.work.notify_one();
        }
        // From here on they are the writer's to give back, even if nobody waits for the answer any more.
        event_permits.forget();
        byte_permits.forget();
        Ok(answered)
    }

    pub(crate) async fn trim(&self, retention: Retention, now: Timestamp) -> Result<Trimmed, TrimError> {
        let _turn = self.trims.acquire().await.map_err(|_| TrimError::Closed)?;
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.lock();
            if !waiting.open {
                return Err(TrimError::Closed);
            }
            waiting.trim = Some(Trim { retention, now, answer });
        }
        self.work.notify_one();
        answered.await.map_err(|_| TrimError::Closed)?
    }

    /// Refuses what comes from now on; what is queued is still done.
    pub(crate) fn close(&self) {
        self.lock().open = false;
        self.events.close();
        self.bytes.close();
        self.trims.close();
        self.work.notify_one();
    }

    /// All that is queued, up to the bounds of a commit. Waits at most `patience`; `None`: for ever.
    pub(crate) fn next(
        &self,
        patience: Option<Duration>,
        gather: &mut Gather,
        appends: &mut Vec<Append>,
    ) -> Turn {
        let mut waiting = self.lock();
        while waiting.appends.is_empty() && waiting.trim.is_none() {
            if !waiting.open {
                return Turn::End;
            }
            waiting.wanted = 1;
            waiting = match patience {
                None => self.work.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let woken = self.work.wait_timeout(waiting, patience);
                    let (waiting, timeout) = woken.unwrap_or_else(PoisonError::into_inner);
                    if timeout.timed_out() && waiting.appends.is_empty() && waiting.trim.is_none() {
                        return Turn::Idle;
                    }
                    waiting
                }
            };
        }
        waiting.wanted = AWAKE;
        let expected = gather.expected(waiting.appends.len());
        if waiting.appends.len() < expected && waiting.trim.is_none() && waiting.open {
            waiting.wanted = expected;
            let fewer = |waiting: &mut Waiting| {
                waiting.appends.len() < expected && waiting.trim.is_none() && waiting.open
            };
            let waited = self.work.wait_timeout_while(waiting, GATHER_MAX, fewer);
            let timeout;
            (waiting, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            waiting.wanted = AWAKE;
            gather.waited(timeout.timed_out());
        }
        let (mut events, mut bytes) = (0, 0);
        while let Some(next) = waiting.appends.front() {
            events += next.events;
            bytes += next.bytes;
            if !appends.is_empty() && (events > self.commit_events_max || bytes > self.commit_bytes_max) {
                break;
            }
            appends.extend(waiting.appends.pop_front());
        }
        Turn::Work(waiting.trim.take())
    }

    /// The writer is done with these: others may come.
    pub(crate) fn release(&self, events: usize, bytes: usize) {
        self.events.add_permits(events);
        self.bytes.add_permits(bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in here can be left half done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by the writer: when it ends, for whatever reason, nobody is left waiting.
pub(crate) struct Abandon<'a>(pub(crate) &'a Queue);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.0.close();
        let mut waiting = self.0.lock();
        waiting.appends.clear();
        waiting.trim = None;
    }
}
