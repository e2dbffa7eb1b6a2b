//! One connection for writing, whichever engine it is to, and where to get the next one.

use std::path::PathBuf;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, SqlSafeStr, SqlStr};
use tokio::task::spawn_blocking;

use crate::dialect::{self, Engine};
use crate::error::DriverError;
use crate::{Row, Value, postgres, sqlite};

#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(PgConnection),
}

/// Where connections come from.
#[derive(Debug)]
pub(crate) enum Home {
    /// The connection is the database: it cannot be replaced.
    Memory,
    File(PathBuf),
    Server(Box<PgConnectOptions>),
}

impl Home {
    pub(crate) async fn connect(&self) -> Result<Connection, DriverError> {
        let opening = match self {
            Home::Memory => spawn_blocking(sqlite::open_memory),
            Home::File(path) => {
                let path = path.clone();
                spawn_blocking(move || sqlite::open_writer(&path))
            }
            Home::Server(options) => {
                return Ok(Connection::Postgres(postgres::connect_writer(options).await?));
            }
        };
        let opened = opening.await.map_err(|error| DriverError::Unfit(error.to_string()))?;
        Ok(Connection::Sqlite(opened?))
    }

    pub(crate) fn is_replaceable(&self) -> bool {
        match self {
            Home::Memory => false,
            Home::File(_) | Home::Server(_) => true,
        }
    }
}

impl Connection {
    pub(crate) fn engine(&self) -> Engine {
        match self {
            Connection::Sqlite(_) => Engine::Sqlite,
            Connection::Postgres(_) => Engine::Postgres,
        }
    }

    pub(crate) async fn begin(&mut self) -> Result<(), DriverError> {
        self.control(dialect::begin_sql(self.engine())).await
    }

    pub(crate) async fn commit(&mut self) -> Result<(), DriverError> {
        self.control("COMMIT").await
    }

    pub(crate) async fn rollback(&mut self) -> Result<(), DriverError> {
        self.control("ROLLBACK").await
    }

    pub(crate) async fn savepoint(&mut self) -> Result<(), DriverError> {
        self.control("SAVEPOINT part").await
    }

    pub(crate) async fn keep(&mut self) -> Result<(), DriverError> {
        self.control("RELEASE SAVEPOINT part").await
    }

    pub(crate) async fn undo(&mut self) -> Result<(), DriverError> {
        self.control("ROLLBACK TO SAVEPOINT part").await?;
        self.keep().await
    }

    /// How many rows the statement changed.
    pub(crate) async fn execute(&mut self, sql: SqlStr, args: Vec<Value>) -> Result<u64, DriverError> {
        match self {
            Connection::Sqlite(connection) => Ok(sqlite::execute(connection, sql.as_str(), &args)?),
            Connection::Postgres(connection) => Ok(postgres::execute(connection, sql, args).await?),
        }
    }

    pub(crate) async fn fetch(&mut self, sql: SqlStr, args: Vec<Value>) -> Result<Vec<Row>, DriverError> {
        match self {
            Connection::Sqlite(connection) => Ok(sqlite::fetch(connection, sql.as_str(), &args)?),
            Connection::Postgres(connection) => Ok(postgres::fetch(&mut *connection, sql, args).await?),
        }
    }

    pub(crate) async fn close(self) {
        let closed = match self {
            Connection::Sqlite(connection) => connection.close().map_err(|(_, error)| error.into()),
            Connection::Postgres(connection) => connection.close().await.map_err(DriverError::from),
        };
        if let Err(error) = closed {
            tracing::debug!(%error, "a database connection did not close in order");
        }
    }

    /// A transaction's own words.
    async fn control(&mut self, sql: &'static str) -> Result<(), DriverError> {
        match self {
            Connection::Sqlite(_) => self.execute(sql.into_sql_str(), Vec::new()).await.map(|_| ()),
            Connection::Postgres(connection) => Ok(postgres::control(connection, sql).await?),
        }
    }
}
