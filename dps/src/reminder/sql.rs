//! The tables `reminder` and `reminder_place`.

use jiff::Timestamp;
use muster_store::{Db, Row, Rows, Statement, StoreError};
use serde_json::{Value, json};

const PLACE: &str = "SELECT next FROM reminder_place";

/// Fails with `Unmet` when another node was faster.
const MOVE: &str = "UPDATE reminder_place SET next = $1 WHERE next = $2";

/// Of these holders the ones that are registered. What was due before is due anew.
static DUE_ROWS: Rows = Rows {
    name: "reminder due",
    sql: "INSERT INTO reminder (id, mark, failures, due_us)
SELECT r.id, value->>'mark', 0, CAST(value->>'due' AS BIGINT)
FROM {rows} JOIN registration r ON r.id = value->>'id' WHERE true
ON CONFLICT (id) DO UPDATE SET mark = excluded.mark, failures = 0, due_us = excluded.due_us
RETURNING id AS key",
};

/// What is known to be devices.
static DEVICE_ROWS: Rows = Rows {
    name: "reminder of a device",
    sql: "INSERT INTO reminder (id, mark, failures, due_us)
SELECT value->>'id', value->>'mark', 0, CAST(value->>'due' AS BIGINT) FROM {rows} WHERE true
ON CONFLICT (id) DO UPDATE SET mark = excluded.mark, failures = 0, due_us = excluded.due_us
RETURNING id AS key",
};

const DUE: &str = "SELECT id, mark, failures FROM reminder WHERE due_us <= $1 ORDER BY due_us, id LIMIT $2";

const NEXT_DUE: &str = "SELECT MIN(due_us) AS due_us FROM reminder";

/// Unless it was marked anew.
static DONE_ROWS: Rows = Rows {
    name: "reminder done",
    sql: "DELETE FROM reminder WHERE (id, mark) IN
(SELECT value->>'id', value->>'mark' FROM {rows}) RETURNING id AS key",
};

/// The same.
static LATER_ROWS: Rows = Rows {
    name: "reminder later",
    sql: "UPDATE reminder SET failures = CAST(value->>'failures' AS BIGINT), due_us = CAST(value->>'due' AS BIGINT)
FROM {rows} WHERE reminder.id = value->>'id' AND reminder.mark = value->>'mark'
RETURNING id AS key",
};

/// A device to be reminded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    /// Its certificates' holder: the id of its registration, in lower case, or what it is called at its hub.
    pub(super) id: String,
    /// Another one each time that there is something new to remind it of.
    pub(super) mark: String,
    pub(super) failures: i64,
}

/// How far the authority's log was followed.
pub(super) async fn place(db: &Db) -> Result<u64, StoreError> {
    let rows = db.fetch(PLACE, &[]).await?;
    let next = rows.first().map(|row| row.int("next")).transpose()?;
    Ok(next.and_then(|next| u64::try_from(next).ok()).unwrap_or_default())
}

pub(super) fn move_place(from: u64, to: u64) -> Statement {
    Statement::new(MOVE, [number(to).into(), number(from).into()]).exactly(1)
}

/// Those of these holders that are registered; each once.
pub(super) fn remind<'h>(
    holders: impl IntoIterator<Item = &'h str>,
    mark: &str,
    now: Timestamp,
) -> Option<Statement> {
    set(&DUE_ROWS, due_rows(holders, mark, now))
}

/// All of them; each once.
pub(super) fn remind_all<'h>(
    holders: impl IntoIterator<Item = &'h str>,
    mark: &str,
    now: Timestamp,
) -> Option<Statement> {
    set(&DEVICE_ROWS, due_rows(holders, mark, now))
}

fn due_rows<'h>(holders: impl IntoIterator<Item = &'h str>, mark: &str, now: Timestamp) -> Vec<Value> {
    let row = |id| json!({ "id": id, "mark": mark, "due": now.as_microsecond() });
    holders.into_iter().map(row).collect()
}

pub(super) async fn due(db: &Db, now: Timestamp, max: i64) -> Result<Vec<Due>, StoreError> {
    let rows = db.fetch(DUE, &[now.as_microsecond().into(), max.into()]).await?;
    let text = |row: &Row, column| row.text(column).map(str::to_owned);
    let due = rows.iter().map(|row| {
        Ok(Due { id: text(row, "id")?, mark: text(row, "mark")?, failures: row.int("failures")? })
    });
    due.collect()
}

pub(super) async fn next_due(db: &Db) -> Result<Option<Timestamp>, StoreError> {
    let rows = db.fetch(NEXT_DUE, &[]).await?;
    let next = rows.first().map(|row| row.opt_int("due_us")).transpose()?.flatten();
    Ok(next.and_then(|at| Timestamp::from_microsecond(at).ok()))
}

pub(super) fn done(reminded: &[Due]) -> Option<Statement> {
    let row = |due: &Due| json!({ "id": due.id, "mark": due.mark });
    set(&DONE_ROWS, reminded.iter().map(row).collect())
}

pub(super) fn later(left: &[(Due, Timestamp)]) -> Option<Statement> {
    let row = |(due, at): &(Due, Timestamp)| json!({ "id": due.id, "mark": due.mark, "failures": due.failures + 1, "due": at.as_microsecond() });
    set(&LATER_ROWS, left.iter().map(row).collect())
}

/// None for none.
fn set(kind: &'static Rows, rows: Vec<Value>) -> Option<Statement> {
    (!rows.is_empty()).then(|| Statement::set(kind, Value::from(rows).to_string()))
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
