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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::open_memory;

    /// How the checksums begin of what is in people's databases.
    const LANDED: [(&Migrator, [&str; 3]); 2] = [
        (&SQLITE, ["80595f6c6ae78dcf", "2ea5cd2e621ce896", "5a28b9532351de9d"]),
        (&POSTGRES, ["8d8f06a566e537b2", "2ea5cd2e621ce896", "aed8927b3b79a954"]),
    ];

    #[test]
    fn a_migration_that_landed_is_never_changed_but_followed_by_another() {
        for (migrator, landed) in LANDED {
            let sums = migrator
                .iter()
                .map(|it| it.checksum.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
            for (sum, landed) in sums.zip(landed) {
                assert!(sum.starts_with(landed), "{sum}");
            }
        }
    }

    #[test]
    fn what_is_applied_is_not_applied_again_and_what_is_unknown_is_refused() {
        let mut connection = open_memory().unwrap();
        run_sqlite(&mut connection).unwrap();
        run_sqlite(&mut connection).unwrap();
        assert_eq!(applied(&connection).unwrap().len(), SQLITE.iter().count());
        connection.execute(ADD, params![999, "of a later version", b""]).unwrap();
        assert!(matches!(run_sqlite(&mut connection), Err(MigrateError::VersionMissing(999))));
        connection.execute("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2", []).unwrap();
        assert!(matches!(run_sqlite(&mut connection), Err(MigrateError::VersionMismatch(2))));
    }

    #[test]
    fn a_database_of_before_is_brought_up_to_date_with_what_is_in_it() {
        let mut connection = open_memory().unwrap();
        connection.execute_batch(APPLIED).unwrap();
        for migration in SQLITE.iter().take(3) {
            connection.execute_batch(migration.sql.as_str()).unwrap();
            let row = params![migration.version, migration.description, migration.checksum];
            connection.execute(ADD, row).unwrap();
        }
        connection
            .execute("INSERT INTO ca_blocked_key (spki, reason, created) VALUES ('a', 'b', 1)", [])
            .unwrap();
        run_sqlite(&mut connection).unwrap();
        let count = "SELECT COUNT(*) FROM ca_blocked_key";
        let kept: i64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 1);
        connection.execute_batch("SELECT id FROM reminder; SELECT etag FROM external_crl").unwrap();
    }
}
