//! Brings a database's schema up to date; the texts are in `migrations/`, compiled in.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{TransactionBehavior, params};
use sqlx::migrate::{MigrateError, Migrator};

use crate::StoreError;
use crate::connection::Connection;

static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// What is there already, as sqlx keeps it on PostgreSQL.
const APPLIED: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, \
     description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, \
     success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";

const ADD: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
     VALUES (?1, ?2, TRUE, ?3, -1)";

/// Safe to call from several processes or nodes at once: one after the other looks what is missing.
pub(crate) async fn run(connection: &mut Connection, database: &str) -> Result<(), StoreError> {
    match connection {
        Connection::Sqlite(connection) => run_sqlite(connection),
        Connection::Postgres(connection) => POSTGRES.run(connection).await,
    }
    .map_err(|error| StoreError::Migrate { database: database.to_owned(), source: Arc::new(error) })
}

/// All that is missing, or none of it.
fn run_sqlite(connection: &mut rusqlite::Connection) -> Result<(), MigrateError> {
    let failed = |error: rusqlite::Error| MigrateError::Execute(sqlx::Error::Configuration(error.into()));
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    transaction.execute_batch(APPLIED).map_err(failed)?;
    let mut applied = applied(&transaction).map_err(failed)?;
    for migration in SQLITE.iter() {
        match applied.remove(&migration.version) {
            Some(checksum) if checksum == *migration.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(migration.version)),
            None => {
                transaction.execute_batch(migration.sql.as_str()).map_err(failed)?;
                let row = params![migration.version, migration.description, migration.checksum];
                transaction.execute(ADD, row).map_err(failed)?;
            }
        }
    }
    match applied.into_keys().max() {
        Some(unknown) => Err(MigrateError::VersionMissing(unknown)),
        None => transaction.commit().map_err(failed),
    }
}

/// Checksums by version.
fn applied(connection: &rusqlite::Connection) -> rusqlite::Result<HashMap<i64, Vec<u8>>> {
    let mut statement = connection.prepare("SELECT version, checksum FROM _sqlx_migrations")?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
