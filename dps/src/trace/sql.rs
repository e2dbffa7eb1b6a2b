//! The table `registration_trace`.

use muster_store::Rows;
use serde_json::{Value, json};

use super::Trace;

pub(super) static INSERT: Rows = Rows {
    name: "registration traces",
    sql: "INSERT INTO registration_trace (id, registration, at_us, document)
SELECT value->>'id', value->>'registration', CAST(value->>'atUs' AS BIGINT), value->>'document'
FROM {rows} WHERE true RETURNING id AS key",
};

pub(super) const ONE: &str =
    "SELECT document FROM registration_trace WHERE id = $1 ORDER BY seq DESC LIMIT 1";

pub(super) const LATEST: &str = "SELECT document FROM registration_trace ORDER BY seq DESC LIMIT $1";

pub(super) const LATEST_OF: &str = "SELECT document FROM registration_trace
WHERE registration = $1 ORDER BY seq DESC LIMIT $2";

/// The oldest of those beyond the number to keep.
pub(super) const DELETE_BEYOND: &str = "DELETE FROM registration_trace WHERE seq IN (
  SELECT seq FROM registration_trace
  WHERE seq <= (SELECT COALESCE(MAX(seq), 0) FROM registration_trace) - $1 ORDER BY seq LIMIT $2)";

/// Of the oldest, those that are too old: they stand in order of age, so no index on the age is needed.
pub(super) const DELETE_OLDER: &str = "DELETE FROM registration_trace WHERE seq IN (
  SELECT seq FROM (SELECT seq, at_us FROM registration_trace ORDER BY seq LIMIT $2) AS oldest
  WHERE at_us < $1)";

pub(super) fn row(trace: &Trace) -> Value {
    json!({
        "id": trace.tracking_id,
        "registration": trace.registration_id.to_ascii_lowercase(),
        "atUs": trace.at.as_microsecond(),
        "document": trace,
    })
}
