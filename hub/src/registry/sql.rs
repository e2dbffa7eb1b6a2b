//! SQL of the registry.

use jiff::Timestamp;
use muster_identity::{Capabilities, DeviceId, Status};
use muster_store::{Row, Rows, Statement, StoreError, Value};

use super::{Device, ReadError};

/// What a row of `admission::new_row` becomes; `$admission` marks devices that came by admission.
macro_rules! insert_device {
    ($admission:literal) => {
        concat!(
            "INSERT INTO device (hub, id, generation, admission, created_by, etag, status, status_reason, \
             authentication, iot_edge, created, model_id, twin_version, twin_etag, tags, desired, desired_metadata, \
             desired_version, reported, reported_metadata, reported_version) \
             SELECT value->>'hub', value->>'id', value->>'generation', ",
            $admission,
            ", value->>'mark', CAST(value->>'etag' AS BIGINT), value->>'status', value->>'status_reason', \
             value->>'authentication', CAST(value->>'iot_edge' AS BIGINT), CAST(value->>'now' AS BIGINT), '', \
             CAST(value->>'twin_version' AS BIGINT), CAST(value->>'twin_etag' AS BIGINT), value->>'tags', \
             value->>'desired', value->>'desired_metadata', CAST(value->>'desired_version' AS BIGINT), \
             value->>'reported', value->>'reported_metadata', CAST(value->>'reported_version' AS BIGINT) \
             FROM {rows} WHERE true ON CONFLICT (hub, id) "
        )
    };
}

/// What an admission does to an existing identity.
macro_rules! update_identity {
    () => {
        "DO UPDATE SET admission = excluded.admission, \
         etag = CASE WHEN device.authentication = excluded.authentication AND device.iot_edge = excluded.iot_edge \
         THEN device.etag ELSE device.etag + 1 END, \
         authentication = excluded.authentication, iot_edge = excluded.iot_edge"
    };
}

/// The key of those that this very admission created.
macro_rules! returning_created {
    () => {
        " RETURNING CASE WHEN created_by = admission THEN hub || '/' || id ELSE '' END AS key"
    };
}

/// One column of a twin that a migrating device brings: taken only when it has seen more changes than the one that is there,
/// so that admitting twice never takes back what happened in between.
macro_rules! newer {
    ($column:literal, $new:literal) => {
        concat!(
            ", ",
            $column,
            " = CASE WHEN excluded.desired_version + excluded.reported_version \
             > device.desired_version + device.reported_version THEN ",
            $new,
            " ELSE device.",
            $column,
            " END"
        )
    };
}

/// A new device, or the authentication of an existing one, whose twin stays.
pub(crate) static ADMIT: Rows = Rows {
    name: "admit",
    sql: concat!(insert_device!("value->>'mark'"), update_identity!(), returning_created!()),
};

/// The same for a device that brings its twin.
pub(crate) static ADMIT_MIGRATED: Rows = Rows {
    name: "admit migrated",
    sql: concat!(
        insert_device!("value->>'mark'"),
        update_identity!(),
        newer!("twin_version", "device.twin_version + 1"),
        newer!("twin_etag", "device.twin_etag + 1"),
        newer!("tags", "excluded.tags"),
        newer!("desired", "excluded.desired"),
        newer!("desired_metadata", "excluded.desired_metadata"),
        newer!("desired_version", "excluded.desired_version"),
        newer!("reported", "excluded.reported"),
        newer!("reported_metadata", "excluded.reported_metadata"),
        newer!("reported_version", "excluded.reported_version"),
        returning_created!()
    ),
};

/// A new device; returns no key when there is one already.
pub(crate) static CREATE: Rows = Rows {
    name: "create device",
    sql: concat!(insert_device!("''"), "DO NOTHING RETURNING hub || '/' || id AS key"),
};

/// Subscriptions of a persistent session; null forgets the session.
pub(crate) static SUBSCRIPTIONS: Rows = Rows {
    name: "subscriptions",
    sql: "UPDATE device SET subscriptions = value->>'subscriptions', \
          session_seen = CAST(value->>'seen' AS BIGINT) \
          FROM {rows} \
          WHERE device.hub = value->>'hub' AND device.id = value->>'id' \
          AND device.generation = value->>'generation' \
          RETURNING device.hub || '/' || device.id AS key",
};

/// The Plug and Play model a device announced when it connected.
pub(crate) static MODEL: Rows = Rows {
    name: "model id",
    sql: "UPDATE device SET model_id = value->>'model_id' FROM {rows} \
          WHERE device.hub = value->>'hub' AND device.id = value->>'id' \
          AND device.generation = value->>'generation' \
          RETURNING device.hub || '/' || device.id AS key",
};

/// The key a row is answered by.
pub(crate) fn key(hub: &str, id: &DeviceId) -> String {
    format!("{hub}/{id}")
}

pub(crate) const FIND: &str = "SELECT id, generation, etag, status, status_reason, status_updated, authentication, \
     iot_edge, created, model_id, subscriptions, session_seen FROM device WHERE hub = $1 AND id = $2";

/// How many [`CERTIFIED`] asks about.
pub(crate) const CERTIFIED_MAX: usize = 64;

/// Keys and thumbprints cannot read like the type.
pub(crate) const CERTIFIED: &str = "SELECT id FROM device WHERE hub = $1 AND id IN ( \
     $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
     $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, \
     $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59, \
     $60, $61, $62, $63, $64, $65) \
     AND authentication LIKE '%\"type\":\"certificateAuthority\"%'";

pub(crate) const LIST: &str = "SELECT id, generation, etag, status, status_reason, status_updated, authentication, \
     iot_edge, created, model_id, subscriptions, session_seen FROM device WHERE hub = $1 ORDER BY id LIMIT $2";

pub(crate) const COUNT: &str = "SELECT COUNT(*) AS total, COUNT(CASE WHEN status = 'enabled' THEN 1 END) AS enabled FROM device WHERE hub = $1";

/// With everything an identity update may change; only if nobody was faster.
pub(crate) fn update(hub: &str, device: &Device, was_etag: u64, authentication: String) -> Statement {
    let args: [Value; 9] = [
        hub.into(),
        device.id.as_str().into(),
        int(was_etag),
        int(device.etag),
        device.status_name().into(),
        device.status_reason.as_deref().into(),
        device.status_updated.map(Timestamp::as_microsecond).into(),
        authentication.into(),
        device.capabilities.iot_edge.into(),
    ];
    Statement::new(
        "UPDATE device SET etag = $4, status = $5, status_reason = $6, status_updated = $7, authentication = $8, \
         iot_edge = $9 WHERE hub = $1 AND id = $2 AND etag = $3",
        args,
    )
    .exactly(1)
}

pub(crate) fn delete(hub: &str, id: &DeviceId) -> Statement {
    Statement::new("DELETE FROM device WHERE hub = $1 AND id = $2", [hub.into(), id.as_str().into()])
}

pub(crate) fn delete_if(hub: &str, id: &DeviceId, etag: u64) -> Statement {
    Statement::new(
        "DELETE FROM device WHERE hub = $1 AND id = $2 AND etag = $3",
        [hub.into(), id.as_str().into(), int(etag)],
    )
    .exactly(1)
}

pub(crate) fn expire_sessions(hub: &str, before: Timestamp) -> Statement {
    Statement::new(
        "UPDATE device SET subscriptions = NULL, session_seen = NULL WHERE hub = $1 AND session_seen < $2",
        [hub.into(), before.as_microsecond().into()],
    )
}

pub(crate) fn device(row: &Row) -> Result<Device, ReadError> {
    let id = row.text("id")?;
    let damaged = |reason: String| ReadError::Damaged { device: id.to_owned(), reason };
    Ok(Device {
        id: DeviceId::parse(id).map_err(|error| damaged(error.to_string()))?,
        generation: row.text("generation")?.into(),
        etag: count(row, "etag")?,
        status: match row.text("status")? {
            "enabled" => Status::Enabled,
            "disabled" => Status::Disabled,
            other => return Err(damaged(format!("status `{other}`"))),
        },
        status_reason: row.opt_text("status_reason")?.map(str::to_owned),
        status_updated: instant(row.opt_int("status_updated")?),
        authentication: serde_json::from_str(row.text("authentication")?)
            .map_err(|error| damaged(format!("authentication: {error}")))?,
        capabilities: Capabilities { iot_edge: row.int("iot_edge")? != 0 },
        created: instant(Some(row.int("created")?)).unwrap_or_default(),
        model_id: row.text("model_id")?.to_owned(),
        subscriptions: row.opt_text("subscriptions")?.map(str::to_owned),
        session_seen: instant(row.opt_int("session_seen")?),
    })
}

/// Counters are never negative; a damaged one reads as 0 and fails the next conditional write.
pub(crate) fn count(row: &Row, column: &str) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.int(column)?).unwrap_or(0))
}

pub(crate) fn int(counter: u64) -> Value {
    i64::try_from(counter).unwrap_or(i64::MAX).into()
}

fn instant(microseconds: Option<i64>) -> Option<Timestamp> {
    microseconds.and_then(|us| Timestamp::from_microsecond(us).ok())
}
