//! SQL of bars: one a holder, taken away when it is readmitted.

use serde_json::json;

use muster_store::{Db, Rows, Statement};

use crate::revocation::{Revocation, RevocationReadError, memory::Memory, sql::read_revocation};

/// Bars that are read at once.
const PAGE_MAX: i64 = 10_000;

/// The first one stands, unless it has no reason and there is one; it is written in any case, so that each row changes one.
pub(in crate::revocation) static BAR: Rows = Rows {
    name: "holder barred",
    sql: "INSERT INTO ca_bar (holder, reason, at, sequence) \
          SELECT value->>'holder', CAST(value->>'reason' AS BIGINT), CAST(value->>'at' AS BIGINT), \
          CAST(value->>'sequence' AS BIGINT) \
          FROM {rows} WHERE true ON CONFLICT (holder) DO UPDATE SET reason = \
          CASE WHEN ca_bar.reason = 0 AND excluded.reason = 1 THEN 1 ELSE ca_bar.reason END \
          RETURNING holder AS key",
};

const LIFT: &str = "DELETE FROM ca_bar WHERE holder = $1";

const BARS: &str = "SELECT holder, reason, at FROM ca_bar WHERE holder > $1 ORDER BY holder LIMIT $2";

const ONE: &str = "SELECT holder, reason, at FROM ca_bar WHERE holder = $1";

/// The row for [`BAR`].
pub(in crate::revocation) fn row(holder: &str, bar: Revocation) -> serde_json::Value {
    json!({ "holder": holder, "reason": bar.reason.code(), "at": bar.at.as_microsecond() })
}

pub(super) fn lift(holder: &str) -> Statement {
    Statement::new(LIFT, [holder.into()]).exactly(1)
}

pub(in crate::revocation) async fn of(
    db: &Db,
    holder: &str,
) -> Result<Option<Revocation>, RevocationReadError> {
    let rows = db.fetch(ONE, &[holder.into()]).await?;
    rows.first().map(|row| read_revocation(row, holder)).transpose()
}

pub(in crate::revocation) async fn load(db: &Db, memory: &mut Memory) -> Result<(), RevocationReadError> {
    let mut after = String::new();
    loop {
        let rows = db.fetch(BARS, &[after.into(), PAGE_MAX.into()]).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.text("holder")?.to_owned();
        for row in &rows {
            let holder = row.text("holder")?;
            memory.put_bar(holder, read_revocation(row, holder)?);
        }
    }
}
