//! SQL of the audit log.

use jiff::Timestamp;
use serde::Serialize;

use muster_store::{Db, Row, Rows, StoreError};

use super::Chained;
use crate::log::Hash;

/// Each is new: a sequence that is there already, another node's, is refused.
pub(crate) static ENTRIES: Rows = Rows {
    name: "audit entry",
    sql: "INSERT INTO ca_audit_entry (sequence, at, actor, credential, action, object, decision, reason, count, \
          request_sha256, certificate_sha256, log_index, previous, hash) \
          SELECT CAST(value->>'sequence' AS BIGINT), CAST(value->>'at' AS BIGINT), value->>'actor', \
          value->>'credential', value->>'action', value->>'object', value->>'decision', value->>'reason', \
          CAST(value->>'count' AS BIGINT), value->>'request_sha256', value->>'certificate_sha256', \
          CAST(value->>'log_index' AS BIGINT), value->>'previous', value->>'hash' FROM {rows}",
};

const PAGE: &str = "SELECT sequence, at, actor, credential, action, object, decision, reason, count, \
     request_sha256, certificate_sha256, log_index, previous, hash FROM ca_audit_entry \
     WHERE sequence >= $1 AND sequence <= $2 ORDER BY sequence LIMIT $3";

/// An entry as [`ENTRIES`] reads it.
#[derive(Serialize)]
pub(crate) struct EntryRow<'e> {
    sequence: u64,
    at: i64,
    actor: &'e str,
    credential: &'e str,
    action: &'e str,
    object: &'e str,
    decision: &'e str,
    reason: &'e str,
    count: u64,
    request_sha256: Option<String>,
    certificate_sha256: Option<String>,
    log_index: Option<u64>,
    previous: String,
    hash: String,
}

impl<'e> From<&'e Chained> for EntryRow<'e> {
    fn from(entry: &'e Chained) -> Self {
        Self {
            sequence: entry.sequence,
            at: entry.at.as_microsecond(),
            actor: &entry.actor,
            credential: &entry.credential,
            action: &entry.action,
            object: &entry.object,
            decision: &entry.decision,
            reason: &entry.reason,
            count: entry.count,
            request_sha256: entry.request_sha256.map(hex::encode),
            certificate_sha256: entry.certificate_sha256.map(hex::encode),
            log_index: entry.log_index,
            previous: hex::encode(entry.previous),
            hash: hex::encode(entry.hash),
        }
    }
}

/// Entries from one sequence up to another, as many as asked for.
pub(crate) async fn page(db: &Db, from: u64, to: u64, max: usize) -> Result<Vec<Chained>, StoreError> {
    let limit = i64::try_from(max).unwrap_or(i64::MAX);
    let rows = db.fetch(PAGE, &[number(from).into(), number(to).into(), limit.into()]).await?;
    rows.iter().map(chained).collect()
}

fn chained(row: &Row) -> Result<Chained, StoreError> {
    let text = |column| row.text(column).map(str::to_owned);
    Ok(Chained {
        sequence: count(row, "sequence")?,
        // What no instant or hash is, somebody put there: another value, and verifying will name the entry.
        at: Timestamp::from_microsecond(row.int("at")?).unwrap_or_default(),
        actor: text("actor")?,
        credential: text("credential")?,
        action: text("action")?,
        object: text("object")?,
        decision: text("decision")?,
        reason: text("reason")?,
        count: count(row, "count")?,
        request_sha256: row.opt_text("request_sha256")?.map(hash),
        certificate_sha256: row.opt_text("certificate_sha256")?.map(hash),
        log_index: row.opt_int("log_index")?.map(|index| u64::try_from(index).unwrap_or(u64::MAX)),
        previous: hash(row.text("previous")?),
        hash: hash(row.text("hash")?),
    })
}

pub(crate) fn hash(hex: &str) -> Hash {
    let mut hash = Hash::default();
    match hex::decode_to_slice(hex, &mut hash) {
        Ok(()) => hash,
        Err(_) => Hash::default(),
    }
}

pub(crate) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn count(row: &Row, column: &str) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.int(column)?).unwrap_or_default())
}
