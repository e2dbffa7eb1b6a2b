//! What moves with a device from one hub to another (dps.md §9.3, `deviceDataMigrated`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Capabilities;

/// The twin and the capabilities. Not the generation id, etags and connection state, which belong to a device's life at one
/// hub, and not the authentication, which the enrollment decides.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeviceState {
    /// What the back end notes about the device; the device never sees it.
    pub tags: Map<String, Value>,
    /// What the back end wants the device to be.
    pub desired: Section,
    /// What the device says it is.
    pub reported: Section,
    pub capabilities: Capabilities,
}

/// One half of a twin's properties, with the history that a device relies on: it compares `$version` with the last it saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Section {
    /// The properties themselves, without `$version` and `$metadata`.
    pub properties: Map<String, Value>,
    /// `$version`: 1 at creation, one more with each accepted write; never goes back.
    pub version: u64,
    /// `$metadata`: mirrors the properties with `$lastUpdated`, under desired also `$lastUpdatedVersion` (hub-device.md §7.2).
    pub metadata: Map<String, Value>,
}

impl Default for Section {
    fn default() -> Self {
        Self { properties: Map::new(), version: 1, metadata: Map::new() }
    }
}
