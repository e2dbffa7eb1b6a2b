//! The handle everybody holds.

use std::path::Path;

use crate::{Engine, Row, Rows, Statement, StoreError, Value, WriteError};

/// The database; cheap to clone. Closed by [`Db::close`] or with its last handle.
#[derive(Clone, Debug)]
pub struct Db {
    engine: Engine,
}

impl Db {
    /// Opens the file, makes it when it is missing, and brings its schema up to date.
    pub async fn open_sqlite(path: &Path) -> Result<Db, StoreError> {
        let _ = path;
        Err(StoreError::Closed)
    }

    /// A database that lasts as long as its handles.
    pub async fn open_memory() -> Result<Db, StoreError> {
        Err(StoreError::Closed)
    }

    /// Connects to `postgres://user@host/database` and brings its schema up to date.
    pub async fn open_postgres(url: &str) -> Result<Db, StoreError> {
        let _ = url;
        Err(StoreError::Closed)
    }

    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Reads; sees every write that was answered before the call.
    pub async fn fetch(&self, sql: &'static str, args: &[Value]) -> Result<Vec<Row>, StoreError> {
        let _ = (sql, args);
        Err(StoreError::Closed)
    }

    /// Writes all statements of the unit or none; tells how many rows each changed. `Ok` is durable.
    pub async fn write(&self, unit: Vec<Statement>) -> Result<Vec<u64>, WriteError> {
        let _ = unit;
        Err(WriteError::Closed)
    }

    /// Writes one row of a kind; true when the kind's statement returned its key. `Ok` is durable.
    pub async fn put(
        &self,
        rows: &'static Rows,
        key: &str,
        row: serde_json::Value,
    ) -> Result<bool, WriteError> {
        let _ = (rows, key, row);
        Err(WriteError::Closed)
    }

    /// Writes what was handed in, then stops; later calls answer that it is closed.
    pub async fn close(&self) {}
}
