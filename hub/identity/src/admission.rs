//! What the provisioning service asks of a hub: have this device, with this proof of identity, arriving in this way.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Authentication, DeviceId, DeviceState};

/// Safe to repeat: admitting the same twice leaves what admitting once leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Admission {
    pub device_id: DeviceId,
    pub authentication: Authentication,
    pub capabilities: Capabilities,
    pub arrival: Arrival,
    /// Merged into the desired properties, in whatever way the device arrives: what provisioning itself has to tell it.
    pub desired: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Arrival {
    /// First assignment, or a reset (dps.md §9.3: `migrateDeviceData` false): the twin begins as the enrollment says.
    Initial(InitialTwin),
    /// The device comes from another hub and brings its data.
    Migrated(Box<DeviceState>),
    /// The device is here already: authentication is refreshed, the twin is left alone. If it is not here after all, it
    /// is created empty.
    Stay,
}

/// The twin of a device that has none yet. No reported properties: those are the device's to say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InitialTwin {
    pub tags: Map<String, Value>,
    pub desired: Map<String, Value>,
}

/// Whether the identity may be used at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    #[default]
    Enabled,
    Disabled,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Capabilities {
    /// The device is an IoT Edge gateway.
    pub iot_edge: bool,
}
