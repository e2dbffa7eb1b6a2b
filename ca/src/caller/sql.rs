//! SQL of grants, and of what was given by them.

use jiff::Timestamp;

use muster_store::{Db, Statement, StoreError};

use super::{
    Grant,
    quota::{Used, Window, day_of, hour_of},
};

const ALL: &str = "SELECT id, body FROM ca_grant ORDER BY id";

const PUT: &str = "INSERT INTO ca_grant (id, body, changed) VALUES ($1, $2, $3) \
     ON CONFLICT (id) DO UPDATE SET body = excluded.body, changed = excluded.changed";

const DELETE: &str = "DELETE FROM ca_grant WHERE id = $1";

const USED: &str = "SELECT quota, COUNT(*) AS total, \
     CAST(SUM(CASE WHEN recorded >= $1 THEN 1 ELSE 0 END) AS BIGINT) AS hour, \
     CAST(SUM(CASE WHEN recorded >= $2 THEN 1 ELSE 0 END) AS BIGINT) AS day \
     FROM ca_certificate WHERE quota IS NOT NULL GROUP BY quota";

pub(super) async fn all(db: &Db) -> Result<Vec<(String, String)>, StoreError> {
    let rows = db.fetch(ALL, &[]).await?;
    rows.iter().map(|row| Ok((row.text("id")?.to_owned(), row.text("body")?.to_owned()))).collect()
}

pub(super) fn put(grant: &Grant, now: Timestamp) -> Statement {
    // Texts and numbers: there is nothing in it that JSON cannot say.
    let body = serde_json::to_string(grant).unwrap_or_default();
    Statement::new(PUT, [grant.id.as_str().into(), body.into(), now.as_microsecond().into()]).exactly(1)
}

pub(super) fn delete(id: &str) -> Statement {
    Statement::new(DELETE, [id.into()]).exactly(1)
}

/// What each quota has given so far.
pub(super) async fn used(db: &Db, now: Timestamp) -> Result<Vec<(String, Used)>, StoreError> {
    let (hour, day) = (hour_of(now), day_of(now));
    let begins = |number: i64, length_s: i64| number * length_s * 1_000_000;
    let args = [begins(hour, 3600).into(), begins(day, 86_400).into()];
    let rows = db.fetch(USED, &args).await?;
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    let used = |row: &muster_store::Row| {
        let used = Used {
            hour: Window { number: hour, used: count(row.int("hour")?) },
            day: Window { number: day, used: count(row.int("day")?) },
            total: count(row.int("total")?),
        };
        Ok((row.text("quota")?.to_owned(), used))
    };
    rows.iter().map(used).collect()
}
