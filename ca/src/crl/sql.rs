//! SQL of CRLs: which were signed, and which certificates are on them, in pages.

use jiff::Timestamp;
use serde_json::json;

use muster_store::{Db, Row, Rows, Statement, StoreError, WriteError};

use super::{PLACES_MAX, PublishError, list::Edition, listed::Place};
use crate::{
    BaseUrl,
    hierarchy::AuthorityId,
    revocation::{Reason, Revocation},
};

/// Certificates that are read at once: a megabyte.
const PAGE_MAX: i64 = 10_000;

/// A number before anything is signed with it; what has a higher one was numbered by somebody else.
static NUMBERED: Rows = Rows {
    name: "CRL numbered",
    sql: "INSERT INTO ca_crl (authority, shard, number) SELECT value->>'authority', \
          CAST(value->>'shard' AS BIGINT), CAST(value->>'number' AS BIGINT) FROM {rows} WHERE true \
          ON CONFLICT (authority, shard) DO UPDATE SET number = excluded.number \
          WHERE ca_crl.number < excluded.number RETURNING authority AS key",
};

/// What is signed, unless somebody else took a higher number meanwhile.
static SIGNED: Rows = Rows {
    name: "CRL signed",
    sql: "UPDATE ca_crl SET signed = number, this_update = CAST(value->>'this_update' AS BIGINT), \
          sha256 = value->>'sha256', signature = value->>'signature' FROM {rows} \
          WHERE ca_crl.authority = value->>'authority' AND ca_crl.shard = CAST(value->>'shard' AS BIGINT) \
          AND ca_crl.number = CAST(value->>'number' AS BIGINT) RETURNING ca_crl.authority AS key",
};

const EDITIONS: &str = "SELECT authority, shard, number, signed, this_update, sha256, signature FROM ca_crl";

const EDITIONS_OF: &str = "SELECT authority, shard, number, signed, this_update, sha256, signature FROM ca_crl \
     WHERE authority = $1";

/// A page as one row: a row each would cost a second for a million. What was not recorded here never ends.
const REVOKED: &str = "SELECT COUNT(*) AS n, MAX(serial) AS last, STRING_AGG(entry, ',') AS entries FROM \
     (SELECT r.serial, r.serial || ' ' || r.reason || ' ' || r.at || ' ' || \
     COALESCE(c.not_after, 253402207200000000) AS entry FROM ca_revocation r \
     LEFT JOIN ca_certificate c ON c.authority = r.authority AND c.serial = r.serial \
     WHERE r.authority = $1 AND r.serial > $2 ORDER BY r.serial LIMIT $3) AS page";

const OF_REVOKED_HOLDERS: &str = "SELECT h.holder, c.authority, c.serial, c.generation, c.not_after, c.log_index \
     FROM ca_revoked_holder h JOIN ca_certificate c ON c.holder = h.holder \
     WHERE h.number = 1 AND h.holder >= $1 AND (h.holder > $1 OR c.log_index > $2) AND c.log_index IS NOT NULL \
     ORDER BY h.holder, c.log_index LIMIT $3";

const OF_HOLDER: &str = "SELECT holder, authority, serial, generation, not_after, log_index FROM ca_certificate \
     WHERE holder = $1 AND log_index > $2 ORDER BY log_index LIMIT $3";

/// The latest first.
const PLACES: &str = "SELECT base FROM ca_crl_place ORDER BY since DESC, base LIMIT $1";

const PUT_PLACE: &str = "INSERT INTO ca_crl_place (base, since) VALUES ($1, $2) \
     ON CONFLICT (base) DO UPDATE SET since = excluded.since";

const END: &str = "SELECT not_after FROM ca_certificate WHERE authority = $1 AND serial = $2";

/// What is on record of a CRL.
pub(super) struct Kept {
    pub(super) place: Place,
    /// The highest that anything of this shard may have been signed with.
    pub(super) number: u64,
    pub(super) signed: Option<Signed>,
}

pub(super) struct Signed {
    pub(super) edition: Edition,
    pub(super) sha256: [u8; 32],
    /// As [`crate::keys::Signature::bytes`].
    pub(super) signature: Vec<u8>,
}

/// A certificate of a holder of which something is revoked.
pub(super) struct OfHolder {
    pub(super) holder: String,
    pub(super) authority: AuthorityId,
    pub(super) serial: [u8; 16],
    pub(super) generation: Option<String>,
    pub(super) not_after: Timestamp,
    pub(super) log_index: i64,
}

/// A certificate that is revoked itself.
pub(super) type Revoked = ([u8; 16], Revocation, Timestamp);

pub(super) async fn places(db: &Db) -> Result<Vec<BaseUrl>, StoreError> {
    let max = i64::try_from(PLACES_MAX).unwrap_or(i64::MAX);
    let rows = db.fetch(PLACES, &[max.into()]).await?;
    let mut places = Vec::with_capacity(rows.len());
    for row in &rows {
        // One that no version would take any more names no certificate that matters.
        places.extend(BaseUrl::parse(row.text("base")?));
    }
    Ok(places)
}

pub(super) fn put_place(base: &BaseUrl, now: Timestamp) -> Statement {
    Statement::new(PUT_PLACE, [base.as_str().into(), now.as_microsecond().into()])
}

pub(super) async fn editions(db: &Db) -> Result<Vec<Kept>, PublishError> {
    db.fetch(EDITIONS, &[]).await?.iter().map(kept).collect()
}

pub(super) async fn editions_of(db: &Db, authority: &AuthorityId) -> Result<Vec<Kept>, PublishError> {
    db.fetch(EDITIONS_OF, &[authority.as_str().into()]).await?.iter().map(kept).collect()
}

/// The page of revoked certificates after a serial number, and where the next begins.
pub(super) async fn revoked(
    db: &Db,
    authority: &AuthorityId,
    after: &str,
) -> Result<(Vec<Revoked>, Option<String>), PublishError> {
    let rows = db.fetch(REVOKED, &[authority.as_str().into(), after.into(), PAGE_MAX.into()]).await?;
    let Some(page) = rows.first() else { return Ok((Vec::new(), None)) };
    let (Some(last), Some(entries)) = (page.opt_text("last")?, page.opt_text("entries")?) else {
        return Ok((Vec::new(), None));
    };
    let damaged = |entry: &str| PublishError::DamagedCertificate { serial: entry.to_owned() };
    let read = |entry: &str| read_revoked(entry).ok_or_else(|| damaged(entry));
    let page_of = entries.split(',').map(read).collect::<Result<Vec<_>, _>>()?;
    Ok((page_of, (page.int("n")? == PAGE_MAX).then(|| last.to_owned())))
}

/// The page after a holder and a log index.
pub(super) async fn of_revoked_holders(
    db: &Db,
    (holder, log_index): (&str, i64),
) -> Result<Vec<OfHolder>, PublishError> {
    let rows = db.fetch(OF_REVOKED_HOLDERS, &[holder.into(), log_index.into(), PAGE_MAX.into()]).await?;
    rows.iter().map(of_holder_row).collect()
}

/// The page after a log index.
pub(super) async fn of_holder(db: &Db, holder: &str, log_index: i64) -> Result<Vec<OfHolder>, PublishError> {
    let rows = db.fetch(OF_HOLDER, &[holder.into(), log_index.into(), PAGE_MAX.into()]).await?;
    rows.iter().map(of_holder_row).collect()
}

/// When a certificate ends; what is not recorded here never does.
pub(super) async fn end(db: &Db, authority: &AuthorityId, serial: [u8; 16]) -> Result<Timestamp, StoreError> {
    let rows = db.fetch(END, &[authority.as_str().into(), hex::encode(serial).into()]).await?;
    rows.first().map_or(Ok(Timestamp::MAX), |row| Ok(instant(row.int("not_after")?)))
}

pub(super) async fn number<'p>(
    db: &Db,
    numbers: impl ExactSizeIterator<Item = (&'p Place, u64)>,
) -> Result<(), WriteError> {
    let count = numbers.len() as u64;
    let rows = numbers.map(|(place, number)| {
        json!({ "authority": place.authority.as_str(), "shard": place.shard, "number": number })
    });
    write(db, &NUMBERED, rows.collect(), count).await
}

pub(super) async fn sign<'p>(
    db: &Db,
    signed: impl ExactSizeIterator<Item = (&'p Place, Signed)>,
) -> Result<(), WriteError> {
    let count = signed.len() as u64;
    let rows = signed.map(|(place, Signed { edition, sha256, signature })| {
        json!({
            "authority": place.authority.as_str(),
            "shard": place.shard,
            "number": edition.number,
            "this_update": edition.this_update.as_microsecond(),
            "sha256": hex::encode(sha256),
            "signature": hex::encode(signature),
        })
    });
    write(db, &SIGNED, rows.collect(), count).await
}

async fn write(
    db: &Db,
    kind: &'static Rows,
    rows: Vec<serde_json::Value>,
    count: u64,
) -> Result<(), WriteError> {
    let rows = serde_json::Value::Array(rows).to_string();
    db.write(vec![Statement::set(kind, rows).exactly(count)]).await.map(|_| ())
}

fn kept(row: &Row) -> Result<Kept, PublishError> {
    let (authority, shard) = (row.text("authority")?, row.int("shard")?);
    let damaged = || PublishError::Damaged { authority: authority.to_owned(), shard };
    let positive = |value: i64| u64::try_from(value).map_err(|_| damaged());
    let place = Place {
        authority: AuthorityId::parse(authority).map_err(|_| damaged())?,
        shard: u16::try_from(shard).map_err(|_| damaged())?,
    };
    let signed = match (row.opt_int("signed")?, row.opt_text("sha256")?, row.opt_text("signature")?) {
        (Some(number), Some(hash), Some(signature)) => {
            let mut sha256 = [0; 32];
            hex::decode_to_slice(hash, &mut sha256).map_err(|_| damaged())?;
            let this_update = instant(row.int("this_update")?);
            let edition = Edition { number: positive(number)?, this_update };
            Some(Signed { edition, sha256, signature: hex::decode(signature).map_err(|_| damaged())? })
        }
        _ => None,
    };
    Ok(Kept { place, number: positive(row.int("number")?)?, signed })
}

/// Serial, reason, instant and end, as a page has them.
fn read_revoked(entry: &str) -> Option<Revoked> {
    let mut fields = entry.split(' ');
    let mut serial = [0; 16];
    hex::decode_to_slice(fields.next()?, &mut serial).ok()?;
    let reason = Reason::of_code(fields.next()?.parse().ok()?)?;
    let at = Timestamp::from_microsecond(fields.next()?.parse().ok()?).ok()?;
    Some((serial, Revocation { reason, at }, instant(fields.next()?.parse().ok()?)))
}

fn of_holder_row(row: &Row) -> Result<OfHolder, PublishError> {
    let text = row.text("serial")?;
    let damaged = || PublishError::DamagedCertificate { serial: text.to_owned() };
    let mut serial = [0; 16];
    hex::decode_to_slice(text, &mut serial).map_err(|_| damaged())?;
    Ok(OfHolder {
        holder: row.text("holder")?.to_owned(),
        authority: AuthorityId::parse(row.text("authority")?).map_err(|_| damaged())?,
        serial,
        generation: row.opt_text("generation")?.map(str::to_owned),
        not_after: instant(row.int("not_after")?),
        log_index: row.int("log_index")?,
    })
}

fn instant(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::MAX)
}
