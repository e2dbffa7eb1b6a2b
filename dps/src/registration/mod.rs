//! One device's provisioning: what it asks, what it is answered, and the states in between.

mod service;
mod worker;

use std::fmt;

use bytes::Bytes;
use muster_identity::RegistrationId;
use muster_sas::Token;
use muster_x509::Peer;
use serde::{Deserialize, Serialize};

use crate::TrackingId;

/// Who asks, as the transport read it; nothing of it is proven yet.
#[derive(Debug, Clone)]
pub struct Presented {
    pub scope: String,
    pub registration_id: RegistrationId,
    pub api_version: String,
    pub token: Option<Token>,
    pub peer: Peer,
    pub transport: Transport,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Transport {
    Mqtt,
    Https,
}

/// What a device may ask. A new verb is a compile error in every transport.
#[derive(Debug, Clone)]
pub enum Ask {
    Register { force: bool, body: Bytes },
    Status { operation_id: OperationId },
    Lookup { body: Bytes },
}

/// Opaque to devices; as the device sent it, so it may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OperationId(pub(crate) String);

#[derive(Debug, Clone)]
pub struct Answer {
    /// As HTTP numbers it, on every transport.
    pub status: u16,
    pub retry_after_s: Option<u32>,
    pub body: serde_json::Value,
    pub tracking_id: TrackingId,
}

/// A connection that is not worth a request: MQTT 3.1.1 return codes 4 and 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectRefused {
    pub code: u8,
    pub tracking_id: TrackingId,
}

impl OperationId {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
