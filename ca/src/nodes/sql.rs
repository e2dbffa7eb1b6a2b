//! SQL of what other nodes did: the audit log, read on.

use muster_store::{Db, StoreError};

use crate::audit::sql::{count, number};

/// One statement sees one state: the head, and every entry that the head counts. Most entries are certificates, which
/// nobody has to hear of.
const AFTER: &str = "SELECT h.entries, e.sequence, e.action, e.object FROM ca_head h \
     LEFT JOIN ca_audit_entry e ON e.sequence > $1 AND e.sequence <= h.entries AND e.decision = 'allowed' \
     AND e.action NOT IN ('certificate.issue', 'certificate.renew', 'sign-in') ORDER BY e.sequence LIMIT $2";

const ENTRIES: &str = "SELECT entries FROM ca_head";

/// Some entries, in their order.
pub(super) struct Page {
    /// Action and object.
    pub(super) entries: Vec<(String, String)>,
    /// Up to here nothing is left.
    pub(super) until: u64,
    pub(super) is_last: bool,
}

pub(super) async fn entries(db: &Db) -> Result<u64, StoreError> {
    let rows = db.fetch(ENTRIES, &[]).await?;
    rows.first().map_or(Ok(0), |row| count(row, "entries"))
}

pub(super) async fn after(db: &Db, sequence: u64, max: usize) -> Result<Page, StoreError> {
    let limit = i64::try_from(max).unwrap_or(i64::MAX);
    let rows = db.fetch(AFTER, &[number(sequence).into(), limit.into()]).await?;
    let mut entries = Vec::new();
    let (mut head, mut last) = (sequence, sequence);
    for row in &rows {
        head = count(row, "entries")?;
        if row.opt_int("sequence")?.is_none() {
            continue;
        }
        last = count(row, "sequence")?;
        entries.push((row.text("action")?.to_owned(), row.text("object")?.to_owned()));
    }
    let is_last = rows.len() < max;
    Ok(Page { entries, until: if is_last { head } else { last }, is_last })
}
