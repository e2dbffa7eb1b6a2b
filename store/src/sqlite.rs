//! SQLite through its driver: how its connections are set up, and how they are asked.

use std::path::Path;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{
    Sqlite, SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, SqlStr};

use crate::Value;
use crate::row::{Driver, Row};

/// Another process may hold the file for a moment: a backup, an operator's shell.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than all statements there are, so that each is prepared once.
const STATEMENTS_MAX: usize = 512;
/// Rows that SQLite's thread may be ahead of us; a commit's worth, so that the two need not take turns.
const ROWS_AHEAD_MAX: usize = 512;
/// Pages the writer keeps; the operating system's cache is behind it.
const WRITER_CACHE_KIB: u32 = 16 * 1024;
/// The same for each reader, which mostly reads through its memory map.
const READER_CACHE_KIB: u32 = 2 * 1024;
/// How much of the file is mapped; address space, not memory.
const MAP_BYTES: u64 = 1 << 30;
/// Pages in the write-ahead log before they move to the database: 16 MiB, four times the default, because a move
/// costs the commit it falls into two more syncs. Measured: up to a third more rows a second, and no more at 64 MiB.
const CHECKPOINT_PAGES: u32 = 4096;
/// What the write-ahead log is cut back to after a burst.
const WAL_BYTES_MAX: u64 = 64 << 20;
/// A read that waits longer for a connection answers an error instead of piling up.
const READER_WAIT: Duration = Duration::from_secs(10);
/// One would let a slow report hold up everything else.
const READERS_MIN: usize = 2;

/// What the one writing connection to the file is opened with; it makes the file when it is missing.
pub(crate) fn writer_options(path: &Path) -> SqliteConnectOptions {
    options()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"))
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
        .pragma("journal_size_limit", WAL_BYTES_MAX.to_string())
}

pub(crate) fn memory_options() -> SqliteConnectOptions {
    options().in_memory(true)
}

/// As many readers as cores; each has a thread of its own.
pub(crate) async fn readers(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    let cores = std::thread::available_parallelism().map_or(READERS_MIN, usize::from);
    let readers = u32::try_from(cores.max(READERS_MIN)).unwrap_or(u32::MAX);
    let options = options()
        .filename(path)
        .read_only(true)
        .pragma("cache_size", format!("-{READER_CACHE_KIB}"))
        .pragma("mmap_size", MAP_BYTES.to_string());
    SqlitePoolOptions::new()
        .max_connections(readers)
        .acquire_timeout(READER_WAIT)
        .test_before_acquire(false) // a file does not hang up
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
}

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("temp_store", "memory")
        .statement_cache_capacity(STATEMENTS_MAX)
        .row_buffer_size(ROWS_AHEAD_MAX)
        .disable_statement_logging() // its text is built for every statement, wanted or not
}

/// A transaction's own words; prepared once like any other statement.
pub(crate) async fn control(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(sql).execute(connection).await.map(|_| ())
}

pub(crate) async fn execute(
    connection: &mut SqliteConnection,
    sql: SqlStr,
    args: Vec<Value>,
) -> Result<u64, sqlx::Error> {
    Ok(bound(sql, args).execute(connection).await?.rows_affected())
}

pub(crate) async fn fetch<'c>(
    connection: impl sqlx::Executor<'c, Database = Sqlite>,
    sql: SqlStr,
    args: Vec<Value>,
) -> Result<Vec<Row>, sqlx::Error> {
    let rows = bound(sql, args).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| Row(Driver::Sqlite(row))).collect())
}

fn bound(sql: SqlStr, args: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    args.into_iter().fold(sqlx::query(sql), |query, arg| match arg {
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Blob(value) => query.bind(value),
        Value::NoInt => query.bind(None::<i64>),
        Value::NoText => query.bind(None::<String>),
        Value::NoBlob => query.bind(None::<Vec<u8>>),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_writer_syncs_every_commit_and_a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.db");
        let mut writer = writer_options(&path).connect().await.unwrap();
        let sql = "SELECT journal_mode, synchronous, foreign_keys, timeout
            FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys, pragma_busy_timeout";
        let rows = fetch(&mut writer, SqlStr::from_static(sql), Vec::new()).await.unwrap();
        let numbers = ["synchronous", "foreign_keys", "timeout"].map(|column| rows[0].int(column).unwrap());
        assert_eq!(rows[0].text("journal_mode").unwrap(), "wal");
        assert_eq!(numbers, [2, 1, 5000]); // synchronous 2 is FULL
        let readers = readers(&path).await.unwrap();
        let refused =
            fetch(&readers, SqlStr::from_static("CREATE TABLE t (x)"), Vec::new()).await.unwrap_err();
        assert!(refused.to_string().contains("readonly"), "{refused}");
    }
}
