//! Connections that read, beside the one that writes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use rusqlite::Connection;
use sqlx::SqlStr;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::error::DriverError;
use crate::{Row, StoreError, Value, sqlite};

/// A read that waits longer for a connection answers an error instead of piling up.
const WAIT: Duration = Duration::from_secs(10);
/// One would let a slow report hold up everything else.
const READERS_MIN: u32 = 2;

/// As many as cores, opened when they are first needed.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    max: u32,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: &Path) -> Readers {
        let cores = available_parallelism().ok().and_then(|cores| u32::try_from(cores.get()).ok());
        let max = cores.unwrap_or(READERS_MIN).max(READERS_MIN);
        let places = Arc::new(Semaphore::new(usize::try_from(max).unwrap_or(Semaphore::MAX_PERMITS)));
        Readers { path: path.to_owned(), max, places, idle: Mutex::default() }
    }

    pub(crate) async fn fetch(
        self: &Arc<Readers>,
        sql: SqlStr,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let place = timeout(WAIT, Arc::clone(&self.places).acquire_owned()).await;
        let place = place.map_err(|_| all_are_busy())?.map_err(|_| StoreError::Closed)?;
        let readers = Arc::clone(self);
        // A caller that stops waiting takes nothing with it: the connection is given back all the same.
        let reading = spawn_blocking(move || {
            let connection = readers.idle().pop().map_or_else(|| sqlite::open_reader(&readers.path), Ok);
            let connection = connection.map_err(StoreError::statement)?;
            let rows = sqlite::fetch(&connection, sql.as_str(), &args).map_err(StoreError::statement);
            readers.idle().push(connection);
            drop(place);
            rows
        });
        reading.await.map_err(|error| StoreError::statement(DriverError::Unfit(error.to_string())))?
    }

    /// Waits for the reads that are under way; later ones answer that the database is closed.
    pub(crate) async fn close(&self) {
        if let Ok(all) = self.places.acquire_many(self.max).await {
            self.places.close();
            drop(all);
        }
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn all_are_busy() -> StoreError {
    let waited_s = WAIT.as_secs();
    StoreError::statement(DriverError::Unfit(format!("all readers were busy for {waited_s} s")))
}
