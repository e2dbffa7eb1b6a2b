//! An admission as one row: device and twin together, because a first boot pays for every write (architecture: hot paths).

use jiff::Timestamp;
use muster_identity::{
    Admission, Arrival, Authentication, Capabilities, DeviceId, GenerationId, Section, Status,
};
use muster_store::Rows;
use serde_json::{Map, Value, json};

use super::{device::status_name, sql};
use crate::twin::{
    FIRST_ETAG,
    limits::Part,
    patch::{initial, merge_tags},
    stored,
};

/// Random bytes a new row needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chance {
    /// Where the etag counter begins: another life of a device has other etags.
    pub etag: u32,
    /// Tells this write from any other.
    pub mark: u64,
}

/// The statement that knows what becomes of an existing device, and the row for it.
pub(crate) fn row(
    hub: &str,
    admission: &Admission,
    chance: Chance,
    now: Timestamp,
) -> (&'static Rows, Value) {
    let Admission { device_id, authentication, capabilities, arrival, desired } = admission;
    let none = Map::new();
    let (rows, twin) = match arrival {
        Arrival::Stay => (&sql::ADMIT, NewTwin::initial(&none, desired, now)),
        Arrival::Initial(twin) => {
            (&sql::ADMIT, NewTwin::initial(&twin.tags, &with(&twin.desired, desired), now))
        }
        Arrival::Migrated(state) => (
            &sql::ADMIT_MIGRATED,
            NewTwin {
                tags: state.tags.clone(),
                desired: state.desired.clone(),
                reported: state.reported.clone(),
            },
        ),
    };
    let identity = NewIdentity {
        id: device_id,
        status: Status::Enabled,
        status_reason: None,
        authentication,
        capabilities: *capabilities,
    };
    (rows, new_row(hub, &identity, twin, chance, now))
}

fn with(begins: &Map<String, Value>, desired: &Map<String, Value>) -> Map<String, Value> {
    let mut both = begins.clone();
    merge_tags(&mut both, desired);
    both
}

pub(crate) struct NewIdentity<'a> {
    pub id: &'a DeviceId,
    pub status: Status,
    pub status_reason: Option<&'a str>,
    pub authentication: &'a Authentication,
    pub capabilities: Capabilities,
}

pub(crate) struct NewTwin {
    pub tags: Map<String, Value>,
    pub desired: Section,
    pub reported: Section,
}

impl NewTwin {
    pub(crate) fn initial(tags: &Map<String, Value>, desired: &Map<String, Value>, now: Timestamp) -> Self {
        let mut merged = Map::new();
        merge_tags(&mut merged, tags);
        let mut desired = desired.clone();
        desired.shift_remove("$version");
        desired.shift_remove("$metadata");
        Self {
            tags: merged,
            desired: initial(Part::Desired, &desired, now),
            reported: initial(Part::Reported, &Map::new(), now),
        }
    }
}

/// Everything a row of `device` has; `sql` reads the members by these names.
pub(crate) fn new_row(
    hub: &str,
    identity: &NewIdentity<'_>,
    twin: NewTwin,
    chance: Chance,
    now: Timestamp,
) -> Value {
    let (desired, reported) = (stored(twin.desired), stored(twin.reported));
    json!({
        "hub": hub,
        "id": identity.id.as_str(),
        "generation": GenerationId::minted_at(now).as_str(),
        "mark": format!("{:016x}", chance.mark),
        "etag": chance.etag,
        "status": status_name(identity.status),
        "status_reason": identity.status_reason,
        "authentication": json!(identity.authentication).to_string(),
        "iot_edge": i64::from(identity.capabilities.iot_edge),
        "now": now.as_microsecond(),
        "twin_version": desired.version + reported.version,
        "twin_etag": FIRST_ETAG,
        "tags": Value::Object(twin.tags).to_string(),
        "desired": desired.properties,
        "desired_metadata": desired.metadata,
        "desired_version": desired.version,
        "reported": reported.properties,
        "reported_metadata": reported.metadata,
        "reported_version": reported.version,
    })
}
