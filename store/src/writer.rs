//! The one writer: takes what is queued, writes it in one commit, and answers after it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlStr;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::timeout;

use crate::batch::{Batch, Job, Put, Set, Unit, json_array};
use crate::connection::{Connection, Home};
use crate::dialect::{self, Fault};
use crate::error::DriverError;
use crate::{Engine, Expect, Statement, StoreError, WriteError};

/// How many writes may wait: two commits' worth, so that the next one is complete when the last is done. Further
/// callers wait for a place, and with them the sockets they serve.
pub(crate) const QUEUE_MAX: usize = 1024;
/// How many writes share a commit. By then its sync costs each next to nothing; more would make the first one wait.
pub(crate) const COMMIT_MAX: usize = 512;

/// From so many writes in a commit on, there are others on their way: the next commit waits a moment for as many, unless
/// it is for a batch that somebody else gathered, whose callers wait for this one.
/// What a commit costs besides its rows, its sync first of all, is shared by more.
const BUSY: usize = 16;
/// How long it waits, far less than a busy writer's queue makes a caller wait anyway.
const GATHER_MAX: Duration = Duration::from_millis(2);

/// The writing connection; `None` while it has to be opened again. A database in memory is read through it, too.
pub(crate) type Slot = Arc<Mutex<Option<Connection>>>;

pub(crate) struct Writer {
    pub slot: Slot,
    pub home: Home,
    pub queue: mpsc::Receiver<Job>,
    /// Dropped when the writer is done, which is how others know.
    pub running: watch::Sender<()>,
}

/// Each statement as the engine wants it. They are statics, so there are as many as in the source.
type Kinds = HashMap<&'static str, SqlStr>;

impl Writer {
    /// PostgreSQL's writer waits for answers, as any task does. SQLite's does the work itself, so it has a thread: a commit
    /// is one turn of it, whatever it carries. It lasts as long as the queue, which the handles own and `close` waits for.
    pub(crate) fn start(self) -> std::io::Result<()> {
        match self.home {
            Home::Server(_) => {
                tokio::spawn(self.run());
            }
            Home::Memory | Home::File(_) => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
                let thread = std::thread::Builder::new().name("muster-writer".to_owned());
                thread.spawn(move || runtime.block_on(self.run()))?;
            }
        }
        Ok(())
    }

    /// Ends when the last sender of its queue is gone and all that was handed in is written.
    pub(crate) async fn run(mut self) {
        let mut kinds = Kinds::new();
        let mut jobs = Vec::with_capacity(COMMIT_MAX);
        let mut last = 0;
        while self.queue.recv_many(&mut jobs, COMMIT_MAX).await > 0 {
            if last >= BUSY && !jobs.iter().all(Job::is_batch) {
                gather(&mut self.queue, &mut jobs, last).await;
            }
            let mut slot = self.slot.lock().await;
            let mut batches = vec![Batch::arrange(jobs.drain(..))];
            let written = transact(&mut slot, &self.home, &mut self.queue, &mut kinds, &mut batches).await;
            drop(slot);
            last = batches.iter().map(Batch::len).sum();
            if let Err(error) = &written {
                tracing::warn!(%error, writes = last, "a commit failed");
            }
            for batch in batches {
                batch.answer(written.clone());
            }
        }
        let connection = self.slot.lock().await.take();
        if let Some(connection) = connection {
            connection.close().await;
        }
        drop(self.running);
    }
}

/// Until there are as many as last time, or nobody comes any more, or it has been long enough.
async fn gather(queue: &mut mpsc::Receiver<Job>, jobs: &mut Vec<Job>, wanted: usize) {
    let wanted = wanted.min(COMMIT_MAX);
    let filling =
        async { while jobs.len() < wanted && queue.recv_many(jobs, wanted - jobs.len()).await > 0 {} };
    let _ = timeout(GATHER_MAX, filling).await; // what came is in `jobs` either way
}

/// One commit, from `BEGIN` to `COMMIT`; after an error nothing of it stands.
async fn transact(
    slot: &mut Option<Connection>,
    home: &Home,
    queue: &mut mpsc::Receiver<Job>,
    kinds: &mut Kinds,
    batches: &mut Vec<Batch>,
) -> Result<(), WriteError> {
    let connection =
        begin(slot, home).await.map_err(|error| WriteError::Failed(StoreError::statement(error)))?;
    let (fault, failure) = match write_all(connection, queue, kinds, batches).await {
        Ok(()) => match connection.commit().await {
            Ok(()) => return Ok(()),
            Err(error) => match dialect::fault(&error) {
                Fault::Statement => (Fault::Statement, WriteError::Failed(StoreError::statement(error))),
                Fault::Connection => (Fault::Connection, WriteError::Uncertain(StoreError::statement(error))),
            },
        },
        Err(error) => (dialect::fault(&error), WriteError::Failed(StoreError::statement(error))),
    };
    // When the engine has rolled back by itself this fails, and says nothing new.
    let rolled_back = connection.rollback().await;
    if home.is_replaceable() && (fault == Fault::Connection || rolled_back.is_err()) {
        *slot = None;
    }
    Err(failure)
}

/// A server that restarted, or a network that dropped an idle connection, shows here, where nothing has been sent
/// yet: a new connection does as well.
async fn begin<'s>(slot: &'s mut Option<Connection>, home: &Home) -> Result<&'s mut Connection, DriverError> {
    if let Some(connection) = slot.as_mut() {
        match connection.begin().await {
            Err(error) if home.is_replaceable() => {
                tracing::warn!(%error, "the writing connection is lost and opened again");
                *slot = None;
            }
            Err(error) => return Err(error),
            Ok(()) => {}
        }
    }
    match slot {
        Some(connection) => Ok(connection),
        None => {
            let mut connection = home.connect().await?;
            connection.begin().await?;
            Ok(slot.insert(connection))
        }
    }
}

/// Writes what there is, and what is handed in meanwhile as long as the commit has room.
async fn write_all(
    connection: &mut Connection,
    queue: &mut mpsc::Receiver<Job>,
    kinds: &mut Kinds,
    batches: &mut Vec<Batch>,
) -> Result<(), DriverError> {
    let mut writes = 0;
    let mut more = Vec::new();
    loop {
        if let Some(batch) = batches.last_mut() {
            writes += batch.len();
            for set in &mut batch.sets {
                write_set(connection, kinds, set).await?;
            }
            for unit in &mut batch.units {
                write_unit(connection, kinds, unit).await?;
            }
        }
        if writes >= COMMIT_MAX || queue.is_empty() {
            return Ok(());
        }
        queue.recv_many(&mut more, COMMIT_MAX - writes).await;
        batches.push(Batch::arrange(more.drain(..)));
    }
}

/// In one statement; when that is refused, in halves, until only the guilty rows are left.
async fn write_set(connection: &mut Connection, kinds: &mut Kinds, set: &mut Set) -> Result<(), DriverError> {
    let engine = connection.engine();
    let sql = spelled(engine, kinds, set.rows.sql);
    let mut parts = vec![set.puts.as_mut_slice()];
    while let Some(part) = parts.pop() {
        connection.savepoint().await?;
        match put_rows(connection, sql.clone(), part).await {
            Ok(()) => connection.keep().await?,
            Err(error) if dialect::fault(&error) == Fault::Connection => return Err(error),
            Err(error) => {
                connection.undo().await?;
                match part {
                    [guilty] => {
                        let source = StoreError::statement(error);
                        guilty.outcome = Err(WriteError::Refused { index: 0, source });
                    }
                    part => {
                        let (first, second) = part.split_at_mut(part.len() / 2);
                        parts.extend([second, first]);
                    }
                }
            }
        }
    }
    Ok(())
}

async fn put_rows(connection: &mut Connection, sql: SqlStr, puts: &mut [Put]) -> Result<(), DriverError> {
    let returned = connection.fetch(sql, vec![json_array(puts).into()]).await?;
    let keys = returned.iter().map(|row| row.text("key")).collect::<Result<HashSet<_>, _>>();
    let keys = keys.map_err(|error| DriverError::Unfit(error.to_string()))?;
    for put in puts {
        put.outcome = Ok(keys.contains(&*put.key));
    }
    Ok(())
}

async fn write_unit(
    connection: &mut Connection,
    kinds: &mut Kinds,
    unit: &mut Unit,
) -> Result<(), DriverError> {
    let guarded = dialect::needs_savepoint(connection.engine(), &unit.statements);
    if guarded {
        connection.savepoint().await?;
    }
    unit.outcome = attempt(connection, kinds, &mut unit.statements).await?;
    match unit.outcome {
        Ok(_) if guarded => connection.keep().await,
        Err(_) if guarded => connection.undo().await,
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The unit's own outcome inside, what ends the whole commit outside.
async fn attempt(
    connection: &mut Connection,
    kinds: &mut Kinds,
    statements: &mut [Statement],
) -> Result<Result<Vec<u64>, WriteError>, DriverError> {
    let mut counts = Vec::with_capacity(statements.len());
    for (index, statement) in statements.iter_mut().enumerate() {
        let args = std::mem::take(&mut statement.args);
        let sql = spelled(connection.engine(), kinds, statement.sql);
        let changed = match connection.execute(sql, args).await {
            Ok(changed) => changed,
            Err(error) if dialect::fault(&error) == Fault::Connection => return Err(error),
            Err(error) => {
                return Ok(Err(WriteError::Refused { index, source: StoreError::statement(error) }));
            }
        };
        match statement.expect {
            Expect::Exactly(expected) if expected != changed => {
                return Ok(Err(WriteError::Unmet { index, expected, changed }));
            }
            Expect::Exactly(_) | Expect::Any => counts.push(changed),
        }
    }
    Ok(Ok(counts))
}

fn spelled(engine: Engine, kinds: &mut Kinds, sql: &'static str) -> SqlStr {
    kinds.entry(sql).or_insert_with(|| dialect::spelled(engine, sql)).clone()
}
