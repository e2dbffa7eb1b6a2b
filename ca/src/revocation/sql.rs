//! SQL of revocations: read in pages at the start, one by one when somebody else was faster, never changed but in reason.

use jiff::Timestamp;
use serde_json::json;

use muster_store::{Db, Row, Rows, Statement, StoreError, Value};

use super::{
    Reason, Revocation, RevocationReadError, What, bar,
    memory::{Cut, Memory},
};
use crate::{hierarchy::AuthorityId, issuance::spki_name, log::sha256};

/// Revocations that are read at once: half a megabyte.
const PAGE_MAX: i64 = 10_000;

/// One that is there returns no key.
pub(super) static SERIAL: Rows = Rows {
    name: "certificate revoked",
    sql: "INSERT INTO ca_revocation (authority, serial, reason, at, sequence) \
          SELECT value->>'authority', value->>'serial', CAST(value->>'reason' AS BIGINT), \
          CAST(value->>'at' AS BIGINT), CAST(value->>'sequence' AS BIGINT) \
          FROM {rows} WHERE true ON CONFLICT DO NOTHING RETURNING serial AS key",
};

pub(super) static HOLDER: Rows = Rows {
    name: "holder revoked",
    sql: "INSERT INTO ca_revoked_holder (holder, number, generation, reason, at, sequence) \
          SELECT value->>'holder', CAST(value->>'number' AS BIGINT), value->>'generation', \
          CAST(value->>'reason' AS BIGINT), CAST(value->>'at' AS BIGINT), CAST(value->>'sequence' AS BIGINT) \
          FROM {rows} WHERE true ON CONFLICT DO NOTHING RETURNING holder AS key",
};

const PUT_AUTHORITY: &str = "INSERT INTO ca_revoked_authority (authority, reason, at) VALUES ($1, $2, $3) \
     ON CONFLICT DO NOTHING";

/// The certificate of an authority that is revoked: recorded with the authority.
const PUT_SERIAL: &str = "INSERT INTO ca_revocation (authority, serial, reason, at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT DO NOTHING";

const CHANGE_SERIAL: &str = "UPDATE ca_revocation SET reason = $3 \
     WHERE authority = $1 AND serial = $2 AND reason = $4";

const CHANGE_HOLDER: &str = "UPDATE ca_revoked_holder SET reason = $3 \
     WHERE holder = $1 AND number = $2 AND reason = $4";

const CHANGE_AUTHORITY: &str =
    "UPDATE ca_revoked_authority SET reason = $2 WHERE authority = $1 AND reason = $3";

const NEXT_AUTHORITY: &str = "SELECT MIN(authority) AS authority FROM ca_revocation WHERE authority > $1";

/// A page as one row: a row each would cost a second for a million.
const SERIALS: &str = "SELECT COUNT(*) AS n, MAX(serial) AS last, STRING_AGG(entry, ',') AS entries FROM \
     (SELECT serial, serial || ' ' || reason || ' ' || at AS entry FROM ca_revocation \
     WHERE authority = $1 AND serial > $2 ORDER BY serial LIMIT $3) AS page";

const HOLDERS: &str = "SELECT holder, number, generation, reason, at FROM ca_revoked_holder \
     WHERE (holder, number) > ($1, $2) ORDER BY holder, number LIMIT $3";

const AUTHORITIES: &str = "SELECT authority, reason, at FROM ca_revoked_authority";

const ONE_SERIAL: &str = "SELECT reason, at FROM ca_revocation WHERE authority = $1 AND serial = $2";

/// With its end, which is that of no certificate on record when it was signed elsewhere.
const OF_ANY: &str = "SELECT r.authority, r.reason, r.at, c.not_after FROM ca_authority a \
     JOIN ca_revocation r ON r.authority = a.id AND r.serial = $1 \
     LEFT JOIN ca_certificate c ON c.authority = r.authority AND c.serial = r.serial";

const ONE_HOLDER: &str = "SELECT holder, number, generation, reason, at FROM ca_revoked_holder \
     WHERE holder = $1 ORDER BY number";

const ISSUED: &str =
    "SELECT not_after FROM ca_certificate WHERE authority = $1 AND serial = $2 AND state = 'issued'";

const OF_KEY: &str =
    "SELECT serial FROM ca_certificate WHERE authority = $1 AND spki = $2 AND state = 'issued'";

/// Blocked for another reason already, perhaps: that one stands.
const BLOCK_KEY: &str = "INSERT INTO ca_blocked_key (spki, reason, created) \
     SELECT spki, 'its certificate was revoked: keyCompromise', CAST($1 AS BIGINT) FROM ca_certificate \
     WHERE authority = $2 AND serial = $3 AND state <> 'abandoned' ON CONFLICT (spki) DO NOTHING";

const BLOCK_KEYS: &str = "INSERT INTO ca_blocked_key (spki, reason, created) \
     SELECT DISTINCT spki, 'certificates of its holder were revoked: keyCompromise', CAST($1 AS BIGINT) \
     FROM ca_certificate WHERE holder = $2 AND state <> 'abandoned' ON CONFLICT (spki) DO NOTHING";

/// Also what is about to be signed.
const HELD: &str = "SELECT serial FROM ca_certificate WHERE holder = $1 \
     AND (CAST($2 AS TEXT) IS NULL OR generation = $2) AND state <> 'abandoned' LIMIT 1";

/// Everything, in pages.
pub(super) async fn load(db: &Db) -> Result<Memory, RevocationReadError> {
    let mut memory = Memory::default();
    let mut after = String::new();
    while let Some(id) = next_authority(db, &after).await? {
        let authority = AuthorityId::parse(&id).map_err(|_| damaged(&id))?;
        load_serials(db, &authority, &mut memory).await?;
        after = id;
    }
    load_holders(db, &mut memory).await?;
    load_authorities(db, &mut memory).await?;
    bar::sql::load(db, &mut memory).await?;
    Ok(memory)
}

async fn next_authority(db: &Db, after: &str) -> Result<Option<String>, StoreError> {
    let rows = db.fetch(NEXT_AUTHORITY, &[after.into()]).await?;
    Ok(rows.first().map(|row| row.opt_text("authority")).transpose()?.flatten().map(str::to_owned))
}

async fn load_serials(
    db: &Db,
    authority: &AuthorityId,
    memory: &mut Memory,
) -> Result<(), RevocationReadError> {
    let mut after = String::new();
    loop {
        let rows = db.fetch(SERIALS, &[authority.as_str().into(), after.into(), PAGE_MAX.into()]).await?;
        let Some(page) = rows.first() else { return Ok(()) };
        let (Some(last), Some(entries)) = (page.opt_text("last")?, page.opt_text("entries")?) else {
            return Ok(());
        };
        let count = page.int("n")?;
        memory.reserve(authority, usize::try_from(count).unwrap_or_default());
        for entry in entries.split(',') {
            let (serial, revocation) = read_entry(entry).ok_or_else(|| damaged(entry))?;
            memory.put_serial(authority, serial, revocation);
        }
        if count < PAGE_MAX {
            return Ok(());
        }
        after = last.to_owned();
    }
}

/// Serial, reason and instant, as a page has them.
fn read_entry(entry: &str) -> Option<([u8; 16], Revocation)> {
    let (serial, rest) = entry.split_once(' ')?;
    let (reason, at) = rest.split_once(' ')?;
    let mut octets = [0; 16];
    hex::decode_to_slice(serial, &mut octets).ok()?;
    Some((octets, revocation(reason.parse().ok()?, at.parse().ok()?)?))
}

async fn load_holders(db: &Db, memory: &mut Memory) -> Result<(), RevocationReadError> {
    let mut after = (String::new(), 0);
    loop {
        let rows = db.fetch(HOLDERS, &[after.0.into(), after.1.into(), PAGE_MAX.into()]).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = (last.text("holder")?.to_owned(), last.int("number")?);
        for row in &rows {
            let (number, cut) = read_cut(row)?;
            memory.put_cut(row.text("holder")?, number, cut);
        }
    }
}

async fn load_authorities(db: &Db, memory: &mut Memory) -> Result<(), RevocationReadError> {
    for row in db.fetch(AUTHORITIES, &[]).await? {
        let id = row.text("authority")?;
        let authority = AuthorityId::parse(id).map_err(|_| damaged(id))?;
        memory.put_authority(&authority, read_revocation(&row, id)?);
    }
    Ok(())
}

/// A key that somebody else may have gets no other certificate. An authority's never gets any from here.
pub(super) fn block_keys(what: &What, at: Timestamp) -> Option<Statement> {
    let at = at.as_microsecond().into();
    match what {
        What::Serial { authority, serial } => {
            let serial = hex::encode(serial);
            Some(Statement::new(BLOCK_KEY, [at, authority.as_str().into(), serial.into()]))
        }
        What::Holder(name) => Some(Statement::new(BLOCK_KEYS, [at, name.as_str().into()])),
        What::Authority(_) => None,
    }
}

pub(super) async fn serial(
    db: &Db,
    authority: &AuthorityId,
    serial: [u8; 16],
) -> Result<Option<Revocation>, RevocationReadError> {
    let serial = hex::encode(serial);
    let rows = db.fetch(ONE_SERIAL, &[authority.as_str().into(), serial.as_str().into()]).await?;
    rows.first().map(|row| read_revocation(row, &serial)).transpose()
}

/// What is revoked under this serial number, of whichever authority, and until when that would have lasted.
pub(super) async fn of_any(
    db: &Db,
    serial: [u8; 16],
) -> Result<Option<(AuthorityId, [u8; 16], Revocation, Timestamp)>, RevocationReadError> {
    let hex = hex::encode(serial);
    let rows = db.fetch(OF_ANY, &[hex.as_str().into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let authority = AuthorityId::parse(row.text("authority")?).map_err(|_| damaged(&hex))?;
    let end = row.opt_int("not_after")?.and_then(|end| Timestamp::from_microsecond(end).ok());
    Ok(Some((authority, serial, read_revocation(row, &hex)?, end.unwrap_or(Timestamp::MAX))))
}

/// With their numbers.
pub(super) async fn cuts(db: &Db, holder: &str) -> Result<Vec<(usize, Cut)>, RevocationReadError> {
    db.fetch(ONE_HOLDER, &[holder.into()]).await?.iter().map(read_cut).collect()
}

pub(super) async fn authority(
    db: &Db,
    authority: &AuthorityId,
) -> Result<Option<Revocation>, RevocationReadError> {
    for row in db.fetch(AUTHORITIES, &[]).await? {
        if row.text("authority")? == authority.as_str() {
            return Ok(Some(read_revocation(&row, authority.as_str())?));
        }
    }
    Ok(None)
}

/// When a certificate ends, if there is one with that serial number.
pub(super) async fn issued_until(
    db: &Db,
    authority: &AuthorityId,
    serial: [u8; 16],
) -> Result<Option<Timestamp>, StoreError> {
    let rows = db.fetch(ISSUED, &[authority.as_str().into(), hex::encode(serial).into()]).await?;
    let end = rows.first().map(|row| row.int("not_after")).transpose()?;
    Ok(end.map(|end| Timestamp::from_microsecond(end).unwrap_or(Timestamp::MAX)))
}

/// What an authority has issued for a key. Read from end to end: it is asked when an authority is revoked.
pub(super) async fn of_key(
    db: &Db,
    authority: &AuthorityId,
    spki_der: &[u8],
) -> Result<Vec<[u8; 16]>, StoreError> {
    let spki = spki_name(sha256(&[spki_der]));
    let rows = db.fetch(OF_KEY, &[authority.as_str().into(), spki.into()]).await?;
    let mut serials = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut serial = [0; 16];
        if hex::decode_to_slice(row.text("serial")?, &mut serial).is_ok() {
            serials.push(serial);
        }
    }
    Ok(serials)
}

/// Whether the holder has a certificate, of this generation or of any.
pub(super) async fn holds_any(db: &Db, holder: &str, generation: Option<&str>) -> Result<bool, StoreError> {
    Ok(!db.fetch(HELD, &[holder.into(), generation.into()]).await?.is_empty())
}

/// The row for [`SERIAL`].
pub(super) fn serial_row(authority: &AuthorityId, serial: [u8; 16], it: Revocation) -> serde_json::Value {
    json!({
        "authority": authority.as_str(),
        "serial": hex::encode(serial),
        "reason": it.reason.code(),
        "at": it.at.as_microsecond(),
    })
}

/// The row for [`HOLDER`].
pub(super) fn holder_row(holder: &str, number: usize, next: [u8; 16], it: Revocation) -> serde_json::Value {
    json!({
        "holder": holder,
        "number": number,
        "generation": hex::encode(next),
        "reason": it.reason.code(),
        "at": it.at.as_microsecond(),
    })
}

pub(super) fn put_authority(authority: &AuthorityId, it: Revocation) -> Statement {
    let args = [authority.as_str().into(), code(it.reason), it.at.as_microsecond().into()];
    Statement::new(PUT_AUTHORITY, args).exactly(1)
}

pub(super) fn put_serial(authority: &AuthorityId, serial: [u8; 16], it: Revocation) -> Statement {
    let at = it.at.as_microsecond().into();
    Statement::new(PUT_SERIAL, [authority.as_str().into(), hex::encode(serial).into(), code(it.reason), at])
}

/// Another reason, unless somebody else gave one. `number` is that of a holder's latest cut.
pub(super) fn change_reason(what: &What, number: usize, from: Reason, to: Reason) -> Statement {
    let (from, to) = (code(from), code(to));
    let number = Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    match what {
        What::Serial { authority, serial } => {
            let args = [authority.as_str().into(), hex::encode(serial).into(), to, from];
            Statement::new(CHANGE_SERIAL, args)
        }
        What::Holder(holder) => Statement::new(CHANGE_HOLDER, [holder.into(), number, to, from]),
        What::Authority(id) => Statement::new(CHANGE_AUTHORITY, [id.as_str().into(), to, from]),
    }
}

fn code(reason: Reason) -> Value {
    Value::Int(reason.code().into())
}

fn read_cut(row: &Row) -> Result<(usize, Cut), RevocationReadError> {
    let holder = row.text("holder")?;
    let number = usize::try_from(row.int("number")?).map_err(|_| damaged(holder))?;
    let mut next = [0; 16];
    hex::decode_to_slice(row.text("generation")?, &mut next).map_err(|_| damaged(holder))?;
    Ok((number, Cut { mark: read_revocation(row, holder)?.into(), next }))
}

pub(super) fn read_revocation(row: &Row, object: &str) -> Result<Revocation, RevocationReadError> {
    revocation(row.int("reason")?, row.int("at")?).ok_or_else(|| damaged(object))
}

fn revocation(reason: i64, at: i64) -> Option<Revocation> {
    Some(Revocation { reason: Reason::of_code(reason)?, at: Timestamp::from_microsecond(at).ok()? })
}

fn damaged(object: &str) -> RevocationReadError {
    RevocationReadError::Damaged { object: object.to_owned() }
}
