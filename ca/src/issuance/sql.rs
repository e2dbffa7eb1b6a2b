//! SQL of certificates: recorded before they are signed, and again when they are.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::json;

use muster_store::{Db, Row, Rows, Statement, StoreError, Value, WriteError};
use muster_x509::Certificate;

use super::{CertificateReadError, Draft, Filter, Stage, Stored};
use crate::{
    hierarchy::AuthorityId,
    profile::{OfAnother, ProfileId},
};

/// What is about to be signed. A key that is blocked, or has a certificate of another holder than the only one that may
/// have it, a serial that is there, a request that was made before: none of them is written, and none returns its key.
/// Asked here, a hundred at a time, because a read of its own costs as much as all the rest; and as `<` and `>`, which an
/// index answers at once however many certificates its holder has for the key.
static RECORDED: Rows = Rows {
    name: "certificate recorded",
    sql: "INSERT INTO ca_certificate (authority, serial, state, profile, version, subject, common_name, spki, holder, \
          generation, caller, idempotency, quota, not_after, recorded, tbs) \
          SELECT value->>'authority', value->>'serial', 'recorded', value->>'profile', \
          CAST(value->>'version' AS BIGINT), value->>'subject', value->>'common_name', value->>'spki', \
          value->>'holder', value->>'generation', value->>'caller', value->>'idempotency', value->>'quota', \
          CAST(value->>'not_after' AS BIGINT), CAST(value->>'recorded' AS BIGINT), value->>'tbs' \
          FROM {rows} WHERE NOT EXISTS (SELECT 1 FROM ca_blocked_key b WHERE b.spki = value->>'spki') \
          AND NOT EXISTS (SELECT 1 FROM ca_certificate c WHERE c.spki = value->>'spki' \
          AND c.holder < value->>'sole_holder' AND c.state <> 'abandoned') \
          AND NOT EXISTS (SELECT 1 FROM ca_certificate c WHERE c.spki = value->>'spki' \
          AND c.holder > value->>'sole_holder' AND c.state <> 'abandoned') \
          ON CONFLICT DO NOTHING RETURNING serial AS key",
};

/// What is signed. One that was given up meanwhile is not: the record with it is undone.
pub(super) static ISSUED: Rows = Rows {
    name: "certificate issued",
    sql: "UPDATE ca_certificate SET state = 'issued', tbs = NULL, \
          log_index = CAST(value->>'log_index' AS BIGINT), sequence = CAST(value->>'sequence' AS BIGINT) \
          FROM {rows} WHERE ca_certificate.authority = value->>'authority' \
          AND ca_certificate.serial = value->>'serial' AND ca_certificate.state = 'recorded' \
          RETURNING ca_certificate.serial AS key",
};

/// They keep their serial, so that it is never used again, and nothing that another request could want.
const ABANDON_ALL: &str = "UPDATE ca_certificate SET state = 'abandoned', idempotency = NULL, quota = NULL \
     WHERE state = 'recorded'";

const ABANDON: &str = "UPDATE ca_certificate SET state = 'abandoned', idempotency = NULL, quota = NULL \
     WHERE authority = $1 AND serial = $2 AND state = 'recorded'";

const LAST_SIGNED: &str =
    "SELECT recorded FROM ca_certificate WHERE log_index IS NOT NULL ORDER BY log_index DESC LIMIT 1";

const BY_IDEMPOTENCY_KEY: &str = "SELECT c.*, l.certificate FROM ca_certificate c \
     LEFT JOIN ca_log_certificate l ON l.log_index = c.log_index WHERE c.caller = $1 AND c.idempotency = $2";

const BY_SERIAL: &str = "SELECT c.*, l.certificate FROM ca_certificate c \
     LEFT JOIN ca_log_certificate l ON l.log_index = c.log_index WHERE c.authority = $1 AND c.serial = $2";

/// Why a key may get no certificate: it is blocked, or somebody else has one for it.
const KEY: &str = "SELECT 'blocked' AS what, reason AS who FROM ca_blocked_key WHERE spki = $1 \
     UNION ALL SELECT * FROM (SELECT 'held', holder FROM ca_certificate \
     WHERE spki = $1 AND holder < $2 AND state <> 'abandoned' LIMIT 1) AS before \
     UNION ALL SELECT * FROM (SELECT 'held', holder FROM ca_certificate \
     WHERE spki = $1 AND holder > $2 AND state <> 'abandoned' LIMIT 1) AS after";

const BLOCK: &str = "INSERT INTO ca_blocked_key (spki, reason, created) VALUES ($1, $2, $3) \
     ON CONFLICT (spki) DO UPDATE SET reason = excluded.reason";

const UNBLOCK: &str = "DELETE FROM ca_blocked_key WHERE spki = $1";

const SIZE: &str = "SELECT certificates FROM ca_head";

/// Filters that are none are NULL.
const IN_ORDER: &str = "SELECT c.*, l.certificate FROM ca_certificate c \
     JOIN ca_log_certificate l ON l.log_index = c.log_index \
     WHERE c.log_index >= $1 AND c.log_index < $2 \
     AND (CAST($3 AS TEXT) IS NULL OR c.authority = $3) AND (CAST($4 AS TEXT) IS NULL OR c.profile = $4) \
     AND (CAST($5 AS TEXT) IS NULL OR c.common_name = $5) \
     AND (CAST($6 AS BIGINT) IS NULL OR c.not_after < $6) AND (CAST($7 AS BIGINT) IS NULL OR c.not_after >= $7) \
     AND (CAST($8 AS TEXT) IS NULL OR c.holder = $8) ORDER BY c.log_index LIMIT $9";

/// The same for one holder, whose certificates have an index.
const OF_HOLDER: &str = "SELECT c.*, l.certificate FROM ca_certificate c \
     JOIN ca_log_certificate l ON l.log_index = c.log_index \
     WHERE c.holder = $8 AND c.log_index >= $1 AND c.log_index < $2 \
     AND (CAST($3 AS TEXT) IS NULL OR c.authority = $3) AND (CAST($4 AS TEXT) IS NULL OR c.profile = $4) \
     AND (CAST($5 AS TEXT) IS NULL OR c.common_name = $5) \
     AND (CAST($6 AS BIGINT) IS NULL OR c.not_after < $6) AND (CAST($7 AS BIGINT) IS NULL OR c.not_after >= $7) \
     ORDER BY c.log_index LIMIT $9";

/// How a key is found again.
pub(crate) fn spki_name(spki_sha256: [u8; 32]) -> String {
    let (first, _) = spki_sha256.split_at(16);
    hex::encode(first)
}

/// False when the key may have none, or the serial is there already, or a request of the same name.
pub(super) async fn record(db: &Db, draft: &Draft<'_>, now: Timestamp) -> Result<bool, WriteError> {
    let Draft { authority, profile, about, .. } = draft;
    let serial = hex::encode(draft.serial);
    let row = json!({
        "authority": authority.as_str(),
        "serial": serial,
        "profile": profile.name,
        "version": profile.version,
        "subject": draft.subject,
        "common_name": draft.common_name,
        "spki": spki_name(draft.spki_sha256),
        "holder": about.holder,
        "sole_holder": about.holder.filter(|_| about.of_another == OfAnother::Refuse),
        "generation": about.generation,
        "caller": about.caller,
        "idempotency": about.idempotency,
        "quota": about.quota,
        "not_after": draft.not_after.as_microsecond(),
        "recorded": now.as_microsecond(),
        "tbs": STANDARD.encode(draft.tbs),
    });
    db.put(&RECORDED, &serial, row).await
}

/// The row for [`ISSUED`].
pub(super) fn issued(draft: &Draft<'_>) -> serde_json::Value {
    json!({ "authority": draft.authority.as_str(), "serial": hex::encode(draft.serial) })
}

/// Tells how many there were.
pub(super) async fn abandon_all(db: &Db) -> Result<u64, WriteError> {
    let changed = db.write(vec![Statement::new(ABANDON_ALL, [])]).await?;
    Ok(changed.first().copied().unwrap_or_default())
}

pub(super) async fn abandon(db: &Db, authority: &AuthorityId, serial: [u8; 16]) -> Result<(), WriteError> {
    let args = [authority.as_str().into(), hex::encode(serial).into()];
    db.write(vec![Statement::new(ABANDON, args)]).await.map(|_| ())
}

/// When the latest certificate was signed.
pub(super) async fn last_signed(db: &Db) -> Result<Option<Timestamp>, StoreError> {
    let rows = db.fetch(LAST_SIGNED, &[]).await?;
    rows.first().map(|row| Ok(instant(row.int("recorded")?))).transpose()
}

pub(super) async fn by_idempotency_key(
    db: &Db,
    caller: &str,
    key: &str,
) -> Result<Option<(Stored, String)>, CertificateReadError> {
    let rows = db.fetch(BY_IDEMPOTENCY_KEY, &[caller.into(), key.into()]).await?;
    rows.first().map(|row| Ok((stored(row)?, row.text("spki")?.to_owned()))).transpose()
}

pub(super) async fn by_serial(
    db: &Db,
    authority: &AuthorityId,
    serial: [u8; 16],
) -> Result<Option<Stored>, CertificateReadError> {
    let rows = db.fetch(BY_SERIAL, &[authority.as_str().into(), hex::encode(serial).into()]).await?;
    rows.first().map(stored).transpose()
}

/// What stands against a key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KeyFacts {
    pub(super) blocked: Option<String>,
    pub(super) held_by: Option<String>,
}

pub(super) async fn key_facts(
    db: &Db,
    spki_sha256: [u8; 32],
    holder: Option<&str>,
) -> Result<KeyFacts, StoreError> {
    let rows = db.fetch(KEY, &[spki_name(spki_sha256).into(), holder.into()]).await?;
    let mut facts = KeyFacts::default();
    for row in &rows {
        let who = Some(row.text("who")?.to_owned());
        match row.text("what")? {
            "blocked" => facts.blocked = who,
            _ => facts.held_by = who,
        }
    }
    Ok(facts)
}

pub(super) fn block(spki_sha256: [u8; 32], reason: &str, now: Timestamp) -> Statement {
    Statement::new(BLOCK, [spki_name(spki_sha256).into(), reason.into(), now.as_microsecond().into()])
}

pub(super) fn unblock(spki_sha256: [u8; 32]) -> Statement {
    Statement::new(UNBLOCK, [spki_name(spki_sha256).into()]).exactly(1)
}

/// How many certificates there are: the log index of the next.
pub(super) async fn size(db: &Db) -> Result<u64, StoreError> {
    let rows = db.fetch(SIZE, &[]).await?;
    let size = rows.first().map(|row| row.int("certificates")).transpose()?;
    Ok(u64::try_from(size.unwrap_or_default()).unwrap_or_default())
}

/// Certificates with a log index from `from` on and before `to`, at most `max`.
pub(super) async fn in_order(
    db: &Db,
    filter: &Filter,
    from: u64,
    to: u64,
    max: usize,
) -> Result<Vec<Stored>, CertificateReadError> {
    let number = |value: u64| Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    let instant = |at: Option<Timestamp>| Value::from(at.map(Timestamp::as_microsecond));
    let args = [
        number(from),
        number(to),
        filter.authority.as_ref().map(AuthorityId::as_str).into(),
        filter.profile.as_deref().into(),
        filter.common_name.as_deref().into(),
        instant(filter.expires_before),
        instant(filter.expires_after),
        filter.holder.as_deref().into(),
        i64::try_from(max).unwrap_or(i64::MAX).into(),
    ];
    let sql = if filter.holder.is_some() { OF_HOLDER } else { IN_ORDER };
    db.fetch(sql, &args).await?.iter().map(stored).collect()
}

pub(super) fn stored(row: &Row) -> Result<Stored, CertificateReadError> {
    let damaged = |column| {
        let serial = row.text("serial").unwrap_or_default().to_owned();
        CertificateReadError::Damaged { serial, column }
    };
    let text = |column| row.text(column).map(str::to_owned);
    let optional = |column| row.opt_text(column).map(|value| value.map(str::to_owned));
    let mut serial = [0; 16];
    let authority = AuthorityId::parse(row.text("authority")?).map_err(|_| damaged("authority"))?;
    hex::decode_to_slice(row.text("serial")?, &mut serial).map_err(|_| damaged("serial"))?;
    let stage = match (row.text("state")?, row.opt_int("log_index")?, row.opt_text("certificate")?) {
        ("issued", Some(log_index), Some(certificate)) => {
            let der = STANDARD.decode(certificate).map_err(|_| damaged("certificate"))?;
            let certificate = Certificate::parse(&der).map_err(|_| damaged("certificate"))?;
            let log_index = u64::try_from(log_index).map_err(|_| damaged("log_index"))?;
            Stage::Issued { log_index, certificate }
        }
        ("recorded", ..) => Stage::Recorded,
        ("abandoned", ..) => Stage::Abandoned,
        _ => return Err(damaged("state")),
    };
    // Written by one hand wherever it is shown.
    let subject = match &stage {
        Stage::Issued { certificate, .. } => certificate.subject().to_owned(),
        Stage::Recorded | Stage::Abandoned => text("subject")?,
    };
    let version = u32::try_from(row.int("version")?).map_err(|_| damaged("version"))?;
    Ok(Stored {
        authority,
        serial,
        profile: ProfileId { name: text("profile")?, version },
        stage,
        subject,
        holder: optional("holder")?,
        generation: optional("generation")?,
        caller: text("caller")?,
        not_after: instant(row.int("not_after")?),
        recorded: instant(row.int("recorded")?),
    })
}

fn instant(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::MAX)
}
