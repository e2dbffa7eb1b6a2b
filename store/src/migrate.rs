//! Brings a database's schema up to date; the texts are in `migrations/`, compiled in.

use std::sync::Arc;

use sqlx::migrate::Migrator;

use crate::StoreError;
use crate::connection::Connection;

static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// Safe to call from several nodes at once: on PostgreSQL it holds an advisory lock.
pub(crate) async fn run(connection: &mut Connection, database: &str) -> Result<(), StoreError> {
    match connection {
        Connection::Sqlite(connection) => SQLITE.run(connection).await,
        Connection::Postgres(connection) => POSTGRES.run(connection).await,
    }
    .map_err(|error| StoreError::Migrate { database: database.to_owned(), source: Arc::new(error) })
}
