//! SQL of requests that wait for somebody.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;

use muster_store::{Db, Row, Statement, StoreError};

use super::{EstRequest, Verdict};

const PENDING: &str = "SELECT id, label, caller, subject, csr, state, created FROM ca_est_request \
     WHERE state = 'pending' ORDER BY created, id LIMIT $1";

const ONE: &str = "SELECT id, label, caller, subject, csr, state, created FROM ca_est_request WHERE id = $1";

const COUNT: &str = "SELECT COUNT(*) AS waiting FROM ca_est_request WHERE state = 'pending'";

const INSERT: &str = "INSERT INTO ca_est_request (id, label, caller, subject, csr, state, created) \
     VALUES ($1, $2, $3, $4, $5, 'pending', $6) ON CONFLICT (id) DO NOTHING";

const FORGET: &str = "DELETE FROM ca_est_request WHERE created < $1";

/// Only what nobody decided.
const DECIDE: &str = "UPDATE ca_est_request SET state = $2 WHERE id = $1 AND state = 'pending'";

pub(super) async fn pending(db: &Db, max: i64) -> Result<Vec<EstRequest>, StoreError> {
    let rows = db.fetch(PENDING, &[max.into()]).await?;
    rows.iter().map(read).collect()
}

pub(super) async fn one(db: &Db, id: &str) -> Result<Option<EstRequest>, StoreError> {
    let rows = db.fetch(ONE, &[id.into()]).await?;
    rows.first().map(read).transpose()
}

pub(super) async fn count(db: &Db) -> Result<i64, StoreError> {
    let rows = db.fetch(COUNT, &[]).await?;
    rows.first().map_or(Ok(0), |row| row.int("waiting"))
}

pub(super) fn insert(new: &EstRequest) -> Statement {
    let args = [
        new.id.as_str().into(),
        new.label.as_str().into(),
        new.caller.as_str().into(),
        new.subject.as_str().into(),
        BASE64_STANDARD.encode(&new.csr).into(),
        new.created.as_microsecond().into(),
    ];
    Statement::new(INSERT, args)
}

pub(super) fn forget(before: Timestamp) -> Statement {
    Statement::new(FORGET, [before.as_microsecond().into()])
}

/// Unmet when it does not wait any more.
pub(super) fn decide(id: &str, verdict: Verdict) -> Statement {
    Statement::new(DECIDE, [id.into(), verdict.as_str().into()]).exactly(1)
}

fn read(row: &Row) -> Result<EstRequest, StoreError> {
    let text = |column| row.text(column).map(str::to_owned);
    Ok(EstRequest {
        id: text("id")?,
        label: text("label")?,
        caller: text("caller")?,
        subject: text("subject")?,
        csr: BASE64_STANDARD.decode(row.text("csr")?).unwrap_or_default(),
        // What cannot be read is not approved.
        verdict: Verdict::parse(row.text("state")?).unwrap_or(Verdict::Denied),
        created: Timestamp::from_microsecond(row.int("created")?).unwrap_or(Timestamp::MIN),
    })
}
