//! The handle everybody holds.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::postgres::PgPool;
use sqlx::{SqlSafeStr, SqlStr};
use tokio::sync::{mpsc, oneshot, watch};

use crate::batch::{Answer, Job, Put, Unit};
use crate::connection::Home;
use crate::error::DriverError;
use crate::writer::{QUEUE_MAX, Slot, Writer};
use crate::{Engine, Row, Rows, Statement, StoreError, Value, WriteError, migrate, postgres, sqlite};

/// The database; cheap to clone. Closed by [`Db::close`], or with its last handle.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    engine: Engine,
    readers: Readers,
    /// The way to the writer; without it the writer finishes what it has, and stops.
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    /// Ends when the writer has stopped.
    running: watch::Receiver<()>,
}

enum Readers {
    Sqlite(Arc<sqlite::Readers>),
    Postgres(PgPool),
    /// A database in memory lives in the connection that writes it.
    Writer(Slot),
}

impl Db {
    /// Opens the file, makes it when it is missing, and brings its schema up to date.
    pub async fn open_sqlite(path: &Path) -> Result<Db, StoreError> {
        let name = format!("the database `{}`", path.display());
        let (home, slot) = prepare(Home::File(path.to_owned()), &name).await?;
        let readers = Readers::Sqlite(Arc::new(sqlite::Readers::new(path)));
        Db::start(Engine::Sqlite, readers, home, slot).map_err(|error| StoreError::open(name, error))
    }

    /// A database that lasts as long as its handles.
    pub async fn open_memory() -> Result<Db, StoreError> {
        let name = "the database in memory";
        let (home, slot) = prepare(Home::Memory, name).await?;
        let readers = Readers::Writer(Arc::clone(&slot));
        Db::start(Engine::Sqlite, readers, home, slot).map_err(|error| StoreError::open(name, error))
    }

    /// Connects to `postgres://user:password@host/database` and brings its schema up to date.
    pub async fn open_postgres(url: &str) -> Result<Db, StoreError> {
        let unnamed = "the PostgreSQL database"; // the URL may hold a password
        let options = postgres::options(url).map_err(|error| StoreError::open(unnamed, error))?;
        let name = postgres::name(&options);
        let (home, slot) = prepare(Home::Server(Box::new(options.clone())), &name).await?;
        let readers = postgres::readers(options).await.map_err(|error| StoreError::open(&name, error))?;
        Db::start(Engine::Postgres, Readers::Postgres(readers), home, slot)
            .map_err(|error| StoreError::open(name, error))
    }

    fn start(engine: Engine, readers: Readers, home: Home, slot: Slot) -> Result<Db, DriverError> {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let (finished, running) = watch::channel(());
        let writer = Writer { slot, home, queue, running: finished };
        writer
            .start()
            .map_err(|error| DriverError::Unfit(format!("its writer cannot be started: {error}")))?;
        Ok(Db(Arc::new(Inner { engine, readers, queue: Mutex::new(Some(sender)), running })))
    }

    pub fn engine(&self) -> Engine {
        self.0.engine
    }

    /// Reads; sees every write that was answered before the call.
    pub async fn fetch(&self, sql: &'static str, args: &[Value]) -> Result<Vec<Row>, StoreError> {
        let (sql, args) = (sql.into_sql_str(), args.to_vec());
        match &self.0.readers {
            Readers::Sqlite(readers) => readers.fetch(sql, args).await,
            Readers::Postgres(pool) => postgres::fetch(pool, sql, args).await.map_err(StoreError::statement),
            Readers::Writer(slot) => fetch_between_commits(slot, sql, args).await,
        }
    }

    /// Writes all statements of the unit or none; tells how many rows each changed. `Ok` is durable. A caller that
    /// stops waiting does not take the write back.
    pub async fn write(&self, unit: Vec<Statement>) -> Result<Vec<u64>, WriteError> {
        self.hand_in(|caller| Job::Unit(Unit::new(unit, caller))).await
    }

    /// Writes one row of a kind; true when the kind's statement returned its key, which tells a conditional upsert
    /// that happened from one that did not. `Ok` is durable.
    pub async fn put(
        &self,
        rows: &'static Rows,
        key: &str,
        row: serde_json::Value,
    ) -> Result<bool, WriteError> {
        self.hand_in(|caller| Job::Put(Put::new(rows, key, &row, caller))).await
    }

    async fn hand_in<T>(&self, job: impl FnOnce(oneshot::Sender<Answer<T>>) -> Job) -> Answer<T> {
        let (caller, answer) = oneshot::channel();
        // Its own sender, gone before the answer is waited for: a queue that is closing waits for none but these.
        let queue = self.queue().clone().ok_or(WriteError::Closed)?;
        queue.send(job(caller)).await.map_err(|_| WriteError::Closed)?;
        drop(queue);
        answer.await.map_err(|_| WriteError::Closed)?
    }

    /// Writes what was handed in, then stops; later calls answer that the database is closed.
    pub async fn close(&self) {
        self.queue().take();
        // Readers first: the connection that closes last moves the write-ahead log into the database.
        match &self.0.readers {
            Readers::Sqlite(readers) => readers.close().await,
            Readers::Postgres(pool) => pool.close().await,
            Readers::Writer(_) => {} // closed by the writer
        }
        let mut running = self.0.running.clone();
        while running.changed().await.is_ok() {}
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Option<mpsc::Sender<Job>>> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Db").field(&self.0.engine).finish()
    }
}

/// The first connection, with the schema up to date.
async fn prepare(home: Home, name: &str) -> Result<(Home, Slot), StoreError> {
    let mut connection = home.connect().await.map_err(|error| StoreError::open(name, error))?;
    migrate::run(&mut connection, name).await?;
    Ok((home, Arc::new(tokio::sync::Mutex::new(Some(connection)))))
}

async fn fetch_between_commits(slot: &Slot, sql: SqlStr, args: Vec<Value>) -> Result<Vec<Row>, StoreError> {
    let mut slot = slot.lock().await;
    let connection = slot.as_mut().ok_or(StoreError::Closed)?;
    connection.fetch(sql, args).await.map_err(StoreError::statement)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::future::join_all;
    use futures::poll;
    use serde_json::json;

    use super::*;
    use crate::writer::COMMIT_MAX;

    static MARK: Rows =
        Rows { name: "mark", sql: "INSERT INTO mark SELECT value->>'id' FROM {rows} RETURNING id AS key" };

    #[tokio::test]
    async fn callers_beyond_the_queues_bound_wait_outside_it() {
        let db = Db::open_memory().await.unwrap();
        db.write(vec![Statement::new("CREATE TABLE mark (id TEXT)", [])]).await.unwrap();
        let Readers::Writer(slot) = &db.0.readers else { panic!("a database in memory") };
        let held = slot.lock().await;
        let ids = (0..4 * QUEUE_MAX).map(|n| n.to_string()).collect::<Vec<_>>();
        let mut puts = Box::pin(join_all(ids.iter().map(|id| db.put(&MARK, id, json!({ "id": id })))));
        let queue = db.queue().clone().unwrap();
        assert!(poll!(&mut puts).is_pending());
        // The writer takes one commit's worth and then stands; others fill its queue, and the rest stay outside.
        let filled = async {
            while queue.capacity() > 0 {
                assert!(poll!(&mut puts).is_pending());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), filled).await.unwrap();
        assert_eq!(queue.max_capacity(), QUEUE_MAX);
        assert!(poll!(&mut puts).is_pending());
        drop((held, queue));
        assert!(puts.await.iter().all(|outcome| matches!(outcome, Ok(true))));
        let rows = db.fetch("SELECT COUNT(*) AS n FROM mark", &[]).await.unwrap();
        assert_eq!(rows[0].int("n").unwrap(), 4 * QUEUE_MAX as i64);
        const { assert!(COMMIT_MAX < QUEUE_MAX) }
    }
}
