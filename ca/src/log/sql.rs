//! SQL of the transparency log, and of the head that it shares with the audit log.

use jiff::Timestamp;

use muster_store::{Db, Row, Rows, Statement, StoreError, Value};

use super::{
    Checkpoint, Hash, Head, ReadError,
    edge::{Changed, Edge},
    tiles::{TileId, Tiles},
};
use crate::audit::{
    ChainHead,
    sql::{count, hash, number},
};

pub(crate) static CERTIFICATES: Rows = Rows {
    name: "logged certificate",
    sql: "INSERT INTO ca_log_certificate (log_index, certificate) \
          SELECT CAST(value->>'log_index' AS BIGINT), value->>'certificate' FROM {rows}",
};

const HEAD: &str = "SELECT entries, hash, certificates FROM ca_head";

/// Whoever appends to another head than the latest changes no row, and is undone.
const MOVE_HEAD: &str = "UPDATE ca_head SET entries = $1, hash = $2, certificates = $3 \
     WHERE entries = $4 AND hash = $5 AND certificates = $6";

const TILE: &str = "SELECT hashes FROM ca_log_tile WHERE level = $1 AND tile = $2";

const PUT_TILE: &str = "INSERT INTO ca_log_tile (level, tile, hashes) VALUES ($1, $2, $3) \
     ON CONFLICT (level, tile) DO UPDATE SET hashes = excluded.hashes";

/// The same certificate may be taken in again; one place proves as much as another.
const INDEX_OF_CERTIFICATE: &str = "SELECT MIN(log_index) AS log_index FROM ca_audit_entry \
     WHERE certificate_sha256 = $1 AND log_index IS NOT NULL";

const HASH_OF_ENTRY: &str = "SELECT hash FROM ca_audit_entry WHERE sequence = $1";

const KEY: &str = "SELECT origin, key, public FROM ca_log_key";

const INSERT_KEY: &str = "INSERT INTO ca_log_key (one, origin, key, public) VALUES (1, $1, $2, $3) \
     ON CONFLICT (one) DO NOTHING";

const INSERT_CHECKPOINT: &str = "INSERT INTO ca_log_checkpoint \
     (entries, certificates, signed, log_note, audit_note) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (entries) DO NOTHING";

const LATEST_CHECKPOINT: &str = "SELECT entries, signed, log_note, audit_note FROM ca_log_checkpoint \
     ORDER BY entries DESC LIMIT 1";

const CHECKPOINTS: &str = "SELECT entries, signed, log_note, audit_note FROM ca_log_checkpoint \
     WHERE entries >= $1 AND entries <= $2 ORDER BY entries";

const CERTIFICATES_BETWEEN: &str = "SELECT log_index, certificate FROM ca_log_certificate \
     WHERE log_index >= $1 AND log_index < $2 ORDER BY log_index";

const ENDS: &str = "SELECT (SELECT MAX(sequence) FROM ca_audit_entry) AS entry, \
     (SELECT MAX(log_index) FROM ca_log_certificate) AS certificate";

/// The log's name and key, as they were written at the first start.
pub(crate) struct StoredKey {
    pub(crate) origin: String,
    pub(crate) key: String,
    /// Base64.
    pub(crate) public: String,
}

/// A checkpoint as it was written, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredCheckpoint {
    pub(crate) entries: u64,
    pub(crate) signed: Timestamp,
    pub(crate) note: String,
    pub(crate) audit_note: String,
}

pub(crate) fn move_head(from: &Head, to: &Head) -> Statement {
    let args = [
        Value::Int(number(to.chain.entries)),
        hex::encode(to.chain.hash).into(),
        number(to.edge.size()).into(),
        number(from.chain.entries).into(),
        hex::encode(from.chain.hash).into(),
        number(from.edge.size()).into(),
    ];
    Statement::new(MOVE_HEAD, args).exactly(1)
}

pub(crate) fn put_tile(changed: &Changed) -> Statement {
    let id = changed.id;
    let hashes = changed.hashes.as_flattened();
    Statement::new(PUT_TILE, [i64::from(id.level).into(), number(id.index).into(), hashes.into()])
}

/// The head as it is now.
pub(crate) async fn head(db: &Db) -> Result<Head, ReadError> {
    let rows = db.fetch(HEAD, &[]).await?;
    let row = rows.first().ok_or(ReadError::NoHead)?;
    let chain = ChainHead { entries: count(row, "entries")?, hash: hash(row.text("hash")?) };
    let size = count(row, "certificates")?;
    let tiles = tiles(db, &Edge::tiles(size)).await?;
    Ok(Head { chain, edge: Edge::restore(size, &tiles)? })
}

/// Those tiles that are there.
pub(crate) async fn tiles(db: &Db, ids: &[TileId]) -> Result<Tiles, ReadError> {
    let mut tiles = Tiles::default();
    for id in ids {
        let rows = db.fetch(TILE, &[i64::from(id.level).into(), number(id.index).into()]).await?;
        if let Some(row) = rows.first() {
            tiles.insert(*id, row.blob("hashes")?)?;
        }
    }
    Ok(tiles)
}

/// Where the certificate with this hash is.
pub(crate) async fn index_of(db: &Db, certificate_sha256: &Hash) -> Result<Option<u64>, StoreError> {
    let rows = db.fetch(INDEX_OF_CERTIFICATE, &[hex::encode(certificate_sha256).into()]).await?;
    let index = rows.first().map(|row| row.opt_int("log_index")).transpose()?.flatten();
    Ok(index.and_then(|index| u64::try_from(index).ok()))
}

/// The hash that an entry was written with, if it was.
pub(crate) async fn hash_of_entry(db: &Db, sequence: u64) -> Result<Option<[u8; 32]>, StoreError> {
    let rows = db.fetch(HASH_OF_ENTRY, &[number(sequence).into()]).await?;
    rows.first().map(|row| row.text("hash").map(hash)).transpose()
}

pub(crate) async fn key(db: &Db) -> Result<Option<StoredKey>, StoreError> {
    let rows = db.fetch(KEY, &[]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let text = |column| row.text(column).map(str::to_owned);
    Ok(Some(StoredKey { origin: text("origin")?, key: text("key")?, public: text("public")? }))
}

/// Changes no row when another node was first.
pub(crate) fn insert_key(key: &StoredKey) -> Statement {
    Statement::new(INSERT_KEY, [(&key.origin).into(), (&key.key).into(), (&key.public).into()]).exactly(1)
}

pub(crate) fn insert_checkpoint(checkpoint: &Checkpoint) -> Statement {
    let args = [
        Value::Int(number(checkpoint.chain.entries)),
        number(checkpoint.size).into(),
        checkpoint.signed.as_microsecond().into(),
        (&checkpoint.note).into(),
        (&checkpoint.audit_note).into(),
    ];
    Statement::new(INSERT_CHECKPOINT, args)
}

pub(crate) async fn latest_checkpoint(db: &Db) -> Result<Option<StoredCheckpoint>, StoreError> {
    db.fetch(LATEST_CHECKPOINT, &[]).await?.first().map(checkpoint).transpose()
}

/// Those that were signed when the audit log had from one to another number of entries.
pub(crate) async fn checkpoints(db: &Db, from: u64, to: u64) -> Result<Vec<StoredCheckpoint>, StoreError> {
    let rows = db.fetch(CHECKPOINTS, &[number(from).into(), number(to).into()]).await?;
    rows.iter().map(checkpoint).collect()
}

/// Certificates, base64, by their index.
pub(crate) async fn certificates(db: &Db, from: u64, to: u64) -> Result<Vec<(u64, String)>, StoreError> {
    let rows = db.fetch(CERTIFICATES_BETWEEN, &[number(from).into(), number(to).into()]).await?;
    let certificate = |row: &Row| Ok((count(row, "log_index")?, row.text("certificate")?.to_owned()));
    rows.iter().map(certificate).collect()
}

/// How many entries and certificates there are by their numbers, whatever the head says.
pub(crate) async fn ends(db: &Db) -> Result<(u64, u64), StoreError> {
    let rows = db.fetch(ENDS, &[]).await?;
    let Some(row) = rows.first() else { return Ok((0, 0)) };
    let end = |column, first| {
        let last = row.opt_int(column)?;
        Ok(last.map_or(0, |last| u64::try_from(last).unwrap_or_default() + first))
    };
    Ok((end("entry", 0)?, end("certificate", 1)?))
}

fn checkpoint(row: &Row) -> Result<StoredCheckpoint, StoreError> {
    Ok(StoredCheckpoint {
        entries: count(row, "entries")?,
        signed: Timestamp::from_microsecond(row.int("signed")?).unwrap_or_default(),
        note: row.text("log_note")?.to_owned(),
        audit_note: row.text("audit_note")?.to_owned(),
    })
}
