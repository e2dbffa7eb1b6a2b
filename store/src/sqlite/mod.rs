//! SQLite through its driver: how its connections are set up, and how they are asked.

mod readers;
mod row;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::{Null, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql};

use crate::Value;
use crate::row::{Driver, Row};

pub(crate) use readers::Readers;
pub(crate) use row::SqliteRow;

/// Another process may hold the file for a moment: a backup, an operator's shell.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than all statements there are, so that each is prepared once.
const STATEMENTS_MAX: usize = 512;
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

/// The one writing connection to the file, which it makes when it is missing.
pub(crate) fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    set_up(
        Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?,
        &format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -{WRITER_CACHE_KIB};
            PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}; PRAGMA journal_size_limit = {WAL_BYTES_MAX};"
        ),
    )
}

/// A database that is its connection.
pub(crate) fn open_memory() -> rusqlite::Result<Connection> {
    set_up(Connection::open_in_memory()?, "")
}

pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    set_up(
        Connection::open_with_flags(path, flags)?,
        &format!("PRAGMA cache_size = -{READER_CACHE_KIB}; PRAGMA mmap_size = {MAP_BYTES};"),
    )
}

fn set_up(connection: Connection, pragmas: &str) -> rusqlite::Result<Connection> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")?;
    connection.execute_batch(pragmas)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// How many rows the statement changed.
pub(crate) fn execute(connection: &Connection, sql: &str, args: &[Value]) -> rusqlite::Result<u64> {
    let mut statement = bound(connection, sql, args)?;
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {} // what a `RETURNING` tells
    Ok(connection.changes())
}

pub(crate) fn fetch(connection: &Connection, sql: &str, args: &[Value]) -> rusqlite::Result<Vec<Row>> {
    let mut statement = bound(connection, sql, args)?;
    let columns = statement.column_names().into_iter().map(str::to_owned).collect::<Arc<[_]>>();
    let mut rows = statement.raw_query();
    let mut read = Vec::new();
    while let Some(row) = rows.next()? {
        read.push(Row(Driver::Sqlite(SqliteRow::read(&columns, row)?)));
    }
    Ok(read)
}

/// To SQLite `$1` is a name, numbered by where it first stands; to us it is the first argument.
fn bound<'c>(connection: &'c Connection, sql: &str, args: &[Value]) -> rusqlite::Result<CachedStatement<'c>> {
    let mut statement = connection.prepare_cached(sql)?;
    for index in 1..=statement.parameter_count() {
        let number = statement.parameter_name(index).and_then(|name| name.strip_prefix('$')?.parse().ok());
        let arg = number.and_then(|number: usize| args.get(number.checked_sub(1)?));
        let arg = arg.ok_or(rusqlite::Error::InvalidParameterCount(args.len(), index))?;
        statement.raw_bind_parameter(index, arg)?;
    }
    Ok(statement)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Value::Int(value) => value.to_sql(),
            Value::Text(value) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes()))),
            Value::Blob(value) => Ok(ToSqlOutput::Borrowed(ValueRef::Blob(value))),
            Value::NoInt | Value::NoText | Value::NoBlob => Ok(Null.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_writer_syncs_every_commit_and_a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.db");
        let writer = open_writer(&path).unwrap();
        let sql = "SELECT journal_mode, synchronous, foreign_keys, timeout
            FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys, pragma_busy_timeout";
        let rows = fetch(&writer, sql, &[]).unwrap();
        let numbers = ["synchronous", "foreign_keys", "timeout"].map(|column| rows[0].int(column).unwrap());
        assert_eq!(rows[0].text("journal_mode").unwrap(), "wal");
        assert_eq!(numbers, [2, 1, 5000]); // synchronous 2 is FULL
        let reader = open_reader(&path).unwrap();
        let refused = execute(&reader, "CREATE TABLE t (x)", &[]).unwrap_err();
        assert!(refused.to_string().contains("readonly"), "{refused}");
    }

    #[test]
    fn arguments_go_by_their_number_wherever_they_stand() {
        let connection = open_memory().unwrap();
        let args = [Value::from("first"), Value::from("second")];
        let rows = fetch(&connection, "SELECT $2 AS two, $1 AS one, $2 AS again", &args).unwrap();
        let texts = ["one", "two", "again"].map(|column| rows[0].text(column).unwrap());
        assert_eq!(texts, ["first", "second", "second"]);
        assert!(fetch(&connection, "SELECT $3", &args).is_err());
    }
}
