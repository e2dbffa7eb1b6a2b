//! SQL of the transparency log, and of the head that it shares with the audit log.

use muster_store::{Db, Rows, Statement, StoreError, Value};

use super::{
    Head, ReadError,
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

const HASH_OF_ENTRY: &str = "SELECT hash FROM ca_audit_entry WHERE sequence = $1";

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

/// The hash that an entry was written with, if it was.
pub(crate) async fn hash_of_entry(db: &Db, sequence: u64) -> Result<Option<[u8; 32]>, StoreError> {
    let rows = db.fetch(HASH_OF_ENTRY, &[number(sequence).into()]).await?;
    rows.first().map(|row| row.text("hash").map(hash)).transpose()
}
