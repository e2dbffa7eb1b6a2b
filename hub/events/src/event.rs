//! What the log holds.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;

/// Why there is an event (hub-service §4.6). Stored as one byte: never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    Telemetry = 1,
    TwinChange = 2,
    DeviceLifecycle = 3,
    DeviceConnectionState = 4,
    DigitalTwinChange = 5,
    DeviceJobLifecycle = 6,
}

impl Source {
    pub const ALL: [Self; 6] = [
        Self::Telemetry,
        Self::TwinChange,
        Self::DeviceLifecycle,
        Self::DeviceConnectionState,
        Self::DigitalTwinChange,
        Self::DeviceJobLifecycle,
    ];

    /// The value of `iothub-message-source`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Telemetry => "Telemetry",
            Self::TwinChange => "twinChangeEvents",
            Self::DeviceLifecycle => "deviceLifecycleEvents",
            Self::DeviceConnectionState => "deviceConnectionStateEvents",
            Self::DigitalTwinChange => "digitalTwinChangeEvents",
            Self::DeviceJobLifecycle => "deviceJobLifecycleEvents",
        }
    }

    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.code() == code)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Kept to the microsecond.
    pub enqueued: Timestamp,
    /// Decides the partition.
    pub device: Arc<str>,
    pub module: Option<Arc<str>>,
    pub generation: Arc<str>,
    pub auth_method: Arc<str>,
    pub source: Source,
    /// MQTT property bag text, valid.
    pub properties: Bytes,
    pub body: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub partition: u16,
    pub offset: u64,
    pub event: Event,
}
