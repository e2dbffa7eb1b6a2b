//! The tables `enrollment` and `enrollment_generation`.

use jiff::Timestamp;
use muster_identity::RegistrationId;
use muster_store::{Row, Statement, StoreError, Value};

use super::{Enrollment, EnrollmentKind, Etag, Known, define, for_store, unsettled};

pub(super) const ONE: &str =
    "SELECT etag, created_us, updated_us, document FROM enrollment WHERE kind = $1 AND id = $2";

/// An individual's registration comes along: readers are shown it (dps.md §7.2).
pub(super) const PAGE: &str =
    "SELECT e.id, e.etag, e.created_us, e.updated_us, e.document, r.document AS registration
FROM enrollment e LEFT JOIN registration r ON r.id = e.id AND e.kind = 'individual' AND r.enrollment = 'individual/' || e.id
WHERE e.kind = $1 AND e.id > $2 ORDER BY e.id LIMIT $3";

pub(super) const GENERATION: &str = "SELECT n FROM enrollment_generation";

pub(super) const GROUPS: &str =
    "SELECT etag, created_us, updated_us, document FROM enrollment WHERE kind = 'group' ORDER BY id";

const INSERT: &str = "INSERT INTO enrollment (kind, id, etag, created_us, updated_us, document)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, id) DO NOTHING";

const UPDATE: &str = "UPDATE enrollment SET etag = $1, updated_us = $2, document = $3
WHERE kind = $4 AND id = $5 AND etag = $6";

const DELETE: &str = "DELETE FROM enrollment WHERE kind = $1 AND id = $2 AND etag = $3";

const NEXT_GENERATION: &str = "UPDATE enrollment_generation SET n = n + 1";

/// Fails with `Unmet` when it exists by now.
pub(super) fn insert(enrollment: &Enrollment) -> Vec<Statement> {
    let args = vec![
        enrollment.kind().as_str().into(),
        enrollment.id().folded().into(),
        enrollment.etag.as_str().into(),
        enrollment.created.as_microsecond().into(),
        enrollment.updated.as_microsecond().into(),
        for_store(enrollment).to_string().into(),
    ];
    unit(enrollment.kind(), Statement::new(INSERT, args).exactly(1))
}

/// Fails with `Unmet` when it is not the one with this ETag any more.
pub(super) fn replace(enrollment: &Enrollment, former: &Etag) -> Vec<Statement> {
    let args = vec![
        enrollment.etag.as_str().into(),
        enrollment.updated.as_microsecond().into(),
        for_store(enrollment).to_string().into(),
        enrollment.kind().as_str().into(),
        enrollment.id().folded().into(),
        former.as_str().into(),
    ];
    unit(enrollment.kind(), Statement::new(UPDATE, args).exactly(1))
}

pub(super) fn delete(kind: EnrollmentKind, id: &RegistrationId, former: &Etag) -> Vec<Statement> {
    let args: [Value; 3] = [kind.as_str().into(), id.folded().into(), former.as_str().into()];
    unit(kind, Statement::new(DELETE, args).exactly(1))
}

/// What every node keeps a copy of is outdated with this.
pub(crate) fn next_generation() -> Statement {
    Statement::new(NEXT_GENERATION, [])
}

fn unit(kind: EnrollmentKind, statement: Statement) -> Vec<Statement> {
    match kind {
        EnrollmentKind::Individual => vec![statement],
        EnrollmentKind::Group => vec![statement, next_generation()],
    }
}

/// Why a row of our own could not be understood: the table was changed by another hand, or by a newer version.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnreadableRow {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a stored {what} cannot be read: {reason}")]
    Document { what: &'static str, reason: String },
}

pub(super) fn enrollment(kind: EnrollmentKind, row: &Row) -> Result<Enrollment, UnreadableRow> {
    from_columns(
        kind,
        row.text("document")?,
        row.text("etag")?,
        row.int("created_us")?,
        row.int("updated_us")?,
    )
}

pub(crate) fn from_columns(
    kind: EnrollmentKind,
    document: &str,
    etag: &str,
    created_us: i64,
    updated_us: i64,
) -> Result<Enrollment, UnreadableRow> {
    let unreadable = |reason: String| UnreadableRow::Document { what: "enrollment", reason };
    let document = serde_json::from_str(document).map_err(|error| unreadable(error.to_string()))?;
    let id = unsettled(kind, &document).map_err(|error| unreadable(error.to_string()))?;
    let definition =
        define(kind, id, &document, Known::Store).map_err(|error| unreadable(error.to_string()))?;
    let instant = |us| Timestamp::from_microsecond(us).map_err(|error| unreadable(error.to_string()));
    Ok(definition.stamped(Etag::stored(etag), instant(created_us)?, instant(updated_us)?))
}
