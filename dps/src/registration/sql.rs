//! The table `registration`, and the one read that a request needs.

use muster_store::{Row, Rows};
use serde_json::{Value, json};

use super::record::Record;
use crate::enrollment::{
    Enrollment, EnrollmentKind,
    sql::{UnreadableRow, from_columns},
};

/// Everything about one id in one read: its own enrollment, its registration, and whether the known groups are the latest.
pub(super) const LOAD: &str = "SELECT g.n AS generation,
  e.etag AS etag, e.created_us AS created_us, e.updated_us AS updated_us, e.document AS enrollment,
  r.version AS version, r.document AS registration
FROM enrollment_generation g
LEFT JOIN enrollment e ON e.kind = 'individual' AND e.id = $1
LEFT JOIN registration r ON r.id = $1";

pub(super) const ONE: &str = "SELECT version, document FROM registration WHERE id = $1";

pub(super) const OF_ENROLLMENT: &str = "SELECT id, document FROM registration
WHERE enrollment = $1 AND id > $2 ORDER BY id LIMIT $3";

pub(super) const DELETE: &str = "DELETE FROM registration WHERE id = $1 AND version = $2";

/// What a crash, a hub that was away or another node left to do.
pub(super) const PENDING: &str = "SELECT id, version, document FROM registration
WHERE pending = 1 AND id > $1 AND updated_us <= $2 ORDER BY id LIMIT $3";

/// A new operation. It returns no key when the row is not the one that was decided on, and then nothing was written.
pub(super) static BEGIN: Rows = Rows {
    name: "registration begins",
    sql: "INSERT INTO registration (id, enrollment, version, operation, pending, updated_us, document, payload)
SELECT value->>'id', value->>'enrollment', CAST(value->>'version' AS BIGINT), value->>'operation',
  CAST(value->>'pending' AS BIGINT), CAST(value->>'updatedUs' AS BIGINT), value->>'document', value->>'payload'
FROM {rows} WHERE true
ON CONFLICT (id) DO UPDATE SET enrollment = excluded.enrollment, version = excluded.version,
  operation = excluded.operation, pending = excluded.pending, updated_us = excluded.updated_us,
  document = excluded.document, payload = excluded.payload
WHERE registration.version = excluded.version - 1
RETURNING id AS key",
};

/// An operation's outcome, or the end of its cleaning up. It returns no key when another operation has come since. A record that
/// was deleted meanwhile is there again: the device is at the hub, after all.
pub(super) static END: Rows = Rows {
    name: "registration ends",
    sql: "INSERT INTO registration (id, enrollment, version, operation, pending, updated_us, document)
SELECT value->>'id', value->>'enrollment', CAST(value->>'version' AS BIGINT), value->>'operation',
  CAST(value->>'pending' AS BIGINT), CAST(value->>'updatedUs' AS BIGINT), value->>'document'
FROM {rows} WHERE true
ON CONFLICT (id) DO UPDATE SET version = registration.version + 1, pending = excluded.pending,
  updated_us = excluded.updated_us, document = excluded.document
WHERE registration.operation = excluded.operation
RETURNING id AS key",
};

/// For `BEGIN`. The payload is kept for policies that will ask for it, and goes nowhere else: it may have 96 KB.
pub(super) fn first_row(record: &Record, version: i64, payload: Option<&str>) -> Value {
    let mut row = row(record, version);
    if let (Some(payload), Value::Object(row)) = (payload, &mut row) {
        row.insert("payload".to_owned(), payload.into());
    }
    row
}

/// For `END`.
pub(super) fn row(record: &Record, version: i64) -> Value {
    json!({
        "id": record.id.folded(),
        "enrollment": record.enrollment.column(),
        "version": version,
        "operation": record.operation,
        "pending": i64::from(record.is_pending()),
        "updatedUs": record.updated.as_microsecond(),
        "document": record,
    })
}

/// A record, and the version that the next write of it must follow.
#[derive(Debug)]
pub(crate) struct Versioned {
    pub(crate) version: i64,
    pub(crate) record: Record,
}

pub(super) fn versioned(row: &Row) -> Result<Versioned, UnreadableRow> {
    Ok(Versioned { version: row.int("version")?, record: Record::stored(row.text("document")?)? })
}

pub(crate) struct Loaded {
    pub(crate) generation: i64,
    pub(crate) individual: Option<Enrollment>,
    pub(crate) registration: Option<Versioned>,
}

pub(super) fn loaded(row: &Row) -> Result<Loaded, UnreadableRow> {
    let individual = match row.opt_text("enrollment")? {
        None => None,
        Some(document) => Some(from_columns(
            EnrollmentKind::Individual,
            document,
            row.text("etag")?,
            row.int("created_us")?,
            row.int("updated_us")?,
        )?),
    };
    let registration = match row.opt_text("registration")? {
        None => None,
        Some(document) => Some(Versioned { version: row.int("version")?, record: Record::stored(document)? }),
    };
    Ok(Loaded { generation: row.int("generation")?, individual, registration })
}
