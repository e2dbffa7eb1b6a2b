//! The file: its schema and every statement on it.

use std::path::Path;

use bytes::Bytes;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use crate::options::Options;

const FORMAT: i64 = 1;
/// "Must", so that `file` and we know it again.
const APPLICATION_ID: i64 = 0x4d75_7374;
/// A batch is tens of kilobytes: larger pages mean fewer of them to link and to sum up. A single event still costs one page.
const PAGE_BYTES: u32 = 16 * 1024;
/// Holds the pages of any usual commit until they are written; larger ones spill into the WAL early.
const WRITER_CACHE_KIB: i64 = 4 * 1024;
const READER_CACHE_KIB: i64 = 1024;
/// A reader waits this long for the moments in which SQLite keeps it out.
const BUSY_TIMEOUT_MS: i64 = 5_000;
/// Offsets take the lower bits of a key, the partition those above: a partition's batches stand together, in order.
const OFFSET_BITS: u32 = 48;

/// `position` is the number of bytes the partition ever had before this batch: the size of any range is a subtraction.
const SCHEMA: &str = "
CREATE TABLE partition (
    partition INTEGER PRIMARY KEY,
    next INTEGER NOT NULL,      -- offset and position to go on from when there is no batch
    position INTEGER NOT NULL
);
CREATE TABLE batch (
    id INTEGER PRIMARY KEY,     -- partition << 48 | first_offset
    count INTEGER NOT NULL,
    first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    position INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    data BLOB NOT NULL,
    partition INTEGER AS (id >> 48),
    first_offset INTEGER AS (id & 281474976710655)
);
";

/// One batch without its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) partition: u16,
    pub(crate) first_offset: u64,
    pub(crate) count: u64,
    pub(crate) first_us: i64,
    pub(crate) last_us: i64,
    pub(crate) position: u64,
    pub(crate) bytes: u64,
}

impl Head {
    pub(crate) fn next_offset(&self) -> u64 {
        self.first_offset.saturating_add(self.count)
    }

    pub(crate) fn next_position(&self) -> u64 {
        self.position.saturating_add(self.bytes)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let id: i64 = row.get(0)?;
        Ok(Self {
            partition: (id >> OFFSET_BITS) as u16,
            first_offset: id as u64 & ((1 << OFFSET_BITS) - 1),
            // Offsets are counted on from this: nothing that cannot be true.
            count: row.get::<_, u32>(1)?.into(),
            first_us: row.get(2)?,
            last_us: row.get(3)?,
            position: row.get::<_, i64>(4)? as u64,
            bytes: row.get::<_, u32>(5)?.into(),
        })
    }
}

pub(crate) enum Found {
    Ours(Connection),
    Foreign,
    Format { found: i64, known: i64 },
}

/// Opens or makes the file, for the one writer.
pub(crate) fn open_writer(path: &Path, options: &Options) -> rusqlite::Result<Found> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "busy_timeout", BUSY_TIMEOUT_MS)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    let tables =
        match connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)) {
            Ok(tables) => tables,
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
                return Ok(Found::Foreign);
            }
            Err(error) => return Err(error),
        };
    if tables != 0 && pragma(&connection, "application_id")? != APPLICATION_ID {
        return Ok(Found::Foreign);
    }
    connection.pragma_update(None, "journal_mode", "wal")?;
    // Every commit is synced. (NORMAL would sync at checkpoints only.)
    connection.pragma_update(None, "synchronous", "full")?;
    // The writer decides when, see `writer`.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    if tables == 0 {
        create(&connection, options.partitions)?;
    }
    let found = pragma(&connection, "user_version")?;
    if found != FORMAT {
        return Ok(Found::Format { found, known: FORMAT });
    }
    if let Some(bytes) = options.file_bytes_max {
        let pages = bytes / u64::from(PAGE_BYTES);
        connection.pragma_update(None, "max_page_count", i64::try_from(pages).unwrap_or(i64::MAX).max(1))?;
    }
    Ok(Found::Ours(connection))
}

/// For checkpoints beside the writer: keeps no pages.
pub(crate) fn open_checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "busy_timeout", BUSY_TIMEOUT_MS)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(connection)
}

fn create(connection: &Connection, partitions: u16) -> rusqlite::Result<()> {
    let unit = connection.unchecked_transaction()?;
    unit.execute_batch(SCHEMA)?;
    for partition in 0..partitions {
        unit.execute("INSERT INTO partition VALUES (?1, 0, 0)", [partition])?;
    }
    unit.pragma_update(None, "application_id", APPLICATION_ID)?;
    unit.pragma_update(None, "user_version", FORMAT)?;
    unit.commit()
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

pub(crate) fn partitions(connection: &Connection) -> rusqlite::Result<u16> {
    connection.query_row("SELECT count(*) FROM partition", [], |row| row.get(0))
}

/// Offset and position that an empty partition goes on from.
pub(crate) fn resume(connection: &Connection, partition: u16) -> rusqlite::Result<(u64, u64)> {
    let sql = "SELECT next, position FROM partition WHERE partition = ?1";
    connection
        .query_row(sql, [partition], |row| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64)))
}

pub(crate) fn set_resume(
    connection: &Connection,
    partition: u16,
    next: u64,
    position: u64,
) -> rusqlite::Result<()> {
    let sql = "UPDATE partition SET next = ?2, position = ?3 WHERE partition = ?1";
    connection.prepare_cached(sql)?.execute(params![partition, next as i64, position as i64])?;
    Ok(())
}

pub(crate) fn insert(connection: &Connection, head: &Head, data: &[u8]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO batch (id, count, first_us, last_us, position, bytes, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    connection.prepare_cached(sql)?.execute(params![
        key(head.partition, head.first_offset),
        head.count as i64,
        head.first_us,
        head.last_us,
        head.position as i64,
        head.bytes as i64,
        data
    ])?;
    Ok(())
}

pub(crate) fn first(connection: &Connection, partition: u16) -> rusqlite::Result<Option<Head>> {
    let sql = "SELECT id, count, first_us, last_us, position, bytes FROM batch
               WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT 1";
    connection.prepare_cached(sql)?.query_row(bounds(partition), Head::read).optional()
}

pub(crate) fn last(connection: &Connection, partition: u16) -> rusqlite::Result<Option<Head>> {
    let sql = "SELECT id, count, first_us, last_us, position, bytes FROM batch
               WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1";
    connection.prepare_cached(sql)?.query_row(bounds(partition), Head::read).optional()
}

/// The batch that follows in the same partition.
pub(crate) fn after(connection: &Connection, head: &Head) -> rusqlite::Result<Option<Head>> {
    let sql = "SELECT id, count, first_us, last_us, position, bytes FROM batch
               WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1";
    let [_, high] = bounds(head.partition);
    let range = [key(head.partition, head.first_offset), high];
    connection.prepare_cached(sql)?.query_row(range, Head::read).optional()
}

pub(crate) fn data(connection: &Connection, head: &Head) -> rusqlite::Result<Vec<u8>> {
    let sql = "SELECT data FROM batch WHERE id = ?1";
    connection.prepare_cached(sql)?.query_row([key(head.partition, head.first_offset)], |row| row.get(0))
}

pub(crate) fn delete(connection: &Connection, head: &Head) -> rusqlite::Result<()> {
    let sql = "DELETE FROM batch WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([key(head.partition, head.first_offset)])?;
    Ok(())
}

/// Whether to go on with the next batch.
pub(crate) enum Scan {
    More,
    Enough,
}

/// Batches from the one that holds `from` on, until `each` has enough. Its data is only loaded when asked for.
pub(crate) fn scan(
    connection: &Connection,
    partition: u16,
    from: u64,
    mut each: impl FnMut(&Head, &dyn Fn() -> Option<Bytes>) -> Scan,
) -> rusqlite::Result<()> {
    let sql = "SELECT id, count, first_us, last_us, position, bytes, data FROM batch
               WHERE id >= coalesce((SELECT max(id) FROM batch WHERE id BETWEEN ?1 AND ?3), ?3) AND id <= ?2
               ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let [low, high] = bounds(partition);
    let mut rows = statement.query([low, high, key(partition, from)])?;
    while let Some(row) = rows.next()? {
        let head = Head::read(row)?;
        let data = || row.get_ref(6).ok()?.as_blob().ok().map(Bytes::copy_from_slice);
        if matches!(each(&head, &data), Scan::Enough) {
            break;
        }
    }
    Ok(())
}

/// Copies what it can of the WAL into the database file; nobody waits for it.
pub(crate) fn checkpoint_pass(connection: &Connection) -> rusqlite::Result<()> {
    checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")
}

/// Copies all of it and waits for the readers of a moment ago: only then the next commit can begin the WAL anew, and with
/// busy readers it could otherwise grow for ever.
pub(crate) fn checkpoint_restart(connection: &Connection) -> rusqlite::Result<()> {
    checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)")
}

/// The same, and leaves no WAL behind.
pub(crate) fn checkpoint_end(connection: &Connection) -> rusqlite::Result<()> {
    checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
}

fn checkpoint(connection: &Connection, pragma: &str) -> rusqlite::Result<()> {
    connection.query_row(pragma, [], |_| Ok(()))
}

fn key(partition: u16, offset: u64) -> i64 {
    (i64::from(partition) << OFFSET_BITS) | (offset.min((1 << OFFSET_BITS) - 1) as i64)
}

fn bounds(partition: u16) -> [i64; 2] {
    [key(partition, 0), key(partition, u64::MAX)]
}
