//! SQL of twins. Writes are conditional on the version that was read, so two nodes cannot undo each other.

use muster_identity::DeviceId;
use muster_store::{Row, Rows, StoreError};
use serde_json::{Value, json};

use super::{StoredSection, Twin};
use crate::registry::sql::count;

pub(crate) const FIND: &str = "SELECT generation, twin_version, twin_etag, tags, desired, desired_metadata, \
     desired_version, reported, reported_metadata, reported_version FROM device WHERE hub = $1 AND id = $2";

/// Returns no key when the twin is another by now, or gone.
pub(crate) static REPORT: Rows = Rows {
    name: "report properties",
    sql: "UPDATE device SET twin_version = CAST(value->>'version' AS BIGINT), reported = value->>'reported', \
          reported_metadata = value->>'reported_metadata', \
          reported_version = CAST(value->>'reported_version' AS BIGINT) \
          FROM {rows} \
          WHERE device.hub = value->>'hub' AND device.id = value->>'id' \
          AND device.generation = value->>'generation' \
          AND device.twin_version = CAST(value->>'was' AS BIGINT) \
          RETURNING device.hub || '/' || device.id AS key",
};

/// The same for tags and desired properties.
pub(crate) static EDIT: Rows = Rows {
    name: "edit twin",
    sql: "UPDATE device SET twin_version = CAST(value->>'version' AS BIGINT), \
          twin_etag = CAST(value->>'etag' AS BIGINT), tags = value->>'tags', desired = value->>'desired', \
          desired_metadata = value->>'desired_metadata', \
          desired_version = CAST(value->>'desired_version' AS BIGINT) \
          FROM {rows} \
          WHERE device.hub = value->>'hub' AND device.id = value->>'id' \
          AND device.generation = value->>'generation' \
          AND device.twin_version = CAST(value->>'was' AS BIGINT) \
          RETURNING device.hub || '/' || device.id AS key",
};

pub(crate) fn report_row(hub: &str, id: &DeviceId, was: u64, twin: &Twin) -> Value {
    json!({
        "hub": hub, "id": id.as_str(), "generation": &*twin.generation, "was": was, "version": twin.version,
        "reported": twin.reported.properties, "reported_metadata": twin.reported.metadata,
        "reported_version": twin.reported.version,
    })
}

pub(crate) fn edit_row(hub: &str, id: &DeviceId, was: u64, twin: &Twin) -> Value {
    json!({
        "hub": hub, "id": id.as_str(), "generation": &*twin.generation, "was": was, "version": twin.version,
        "etag": twin.etag, "tags": twin.tags, "desired": twin.desired.properties,
        "desired_metadata": twin.desired.metadata, "desired_version": twin.desired.version,
    })
}

pub(crate) fn twin(row: &Row) -> Result<Twin, StoreError> {
    Ok(Twin {
        generation: row.text("generation")?.into(),
        version: count(row, "twin_version")?,
        etag: count(row, "twin_etag")?,
        tags: row.text("tags")?.to_owned(),
        desired: section(row, ["desired", "desired_metadata", "desired_version"])?,
        reported: section(row, ["reported", "reported_metadata", "reported_version"])?,
    })
}

fn section(row: &Row, [properties, metadata, version]: [&str; 3]) -> Result<StoredSection, StoreError> {
    Ok(StoredSection {
        properties: row.text(properties)?.to_owned(),
        metadata: row.text(metadata)?.to_owned(),
        version: count(row, version)?,
    })
}
