//! One connection for writing, whichever engine it is to, and where to get the next one.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection as _, SqlStr};

use crate::dialect::{self, Engine, Fault};
use crate::{Row, Value, postgres, sqlite};

#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Where connections come from.
#[derive(Debug)]
pub(crate) enum Home {
    /// The connection is the database: it cannot be replaced.
    Memory,
    File(SqliteConnectOptions),
    Server(PgConnectOptions),
}

impl Home {
    pub(crate) async fn connect(&self) -> Result<Connection, sqlx::Error> {
        match self {
            Home::Memory => sqlite::memory_options().connect().await.map(Connection::Sqlite),
            Home::File(options) => options.connect().await.map(Connection::Sqlite),
            Home::Server(options) => postgres::connect_writer(options).await.map(Connection::Postgres),
        }
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

    pub(crate) fn fault(&self, error: &sqlx::Error) -> Fault {
        dialect::fault(self.engine(), error)
    }

    pub(crate) async fn begin(&mut self) -> Result<(), sqlx::Error> {
        self.control(dialect::begin_sql(self.engine())).await
    }

    pub(crate) async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.control("COMMIT").await
    }

    pub(crate) async fn rollback(&mut self) -> Result<(), sqlx::Error> {
        self.control("ROLLBACK").await
    }

    pub(crate) async fn savepoint(&mut self) -> Result<(), sqlx::Error> {
        self.control("SAVEPOINT part").await
    }

    pub(crate) async fn keep(&mut self) -> Result<(), sqlx::Error> {
        self.control("RELEASE SAVEPOINT part").await
    }

    pub(crate) async fn undo(&mut self) -> Result<(), sqlx::Error> {
        self.control("ROLLBACK TO SAVEPOINT part").await?;
        self.keep().await
    }

    /// How many rows the statement changed.
    pub(crate) async fn execute(&mut self, sql: SqlStr, args: Vec<Value>) -> Result<u64, sqlx::Error> {
        match self {
            Connection::Sqlite(connection) => sqlite::execute(connection, sql, args).await,
            Connection::Postgres(connection) => postgres::execute(connection, sql, args).await,
        }
    }

    pub(crate) async fn fetch(&mut self, sql: SqlStr, args: Vec<Value>) -> Result<Vec<Row>, sqlx::Error> {
        match self {
            Connection::Sqlite(connection) => sqlite::fetch(&mut *connection, sql, args).await,
            Connection::Postgres(connection) => postgres::fetch(&mut *connection, sql, args).await,
        }
    }

    pub(crate) async fn close(self) {
        let closed = match self {
            Connection::Sqlite(connection) => connection.close().await,
            Connection::Postgres(connection) => connection.close().await,
        };
        if let Err(error) = closed {
            tracing::debug!(%error, "a database connection did not close in order");
        }
    }

    async fn control(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Connection::Sqlite(connection) => sqlite::control(connection, sql).await,
            Connection::Postgres(connection) => postgres::control(connection, sql).await,
        }
    }
}
