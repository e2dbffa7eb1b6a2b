//! One device's provisioning: what it asks, what it is answered, and the states in between.

use std::fmt;

use bytes::Bytes;
use muster_identity::RegistrationId;
use muster_sas::Token;
use muster_x509::Peer;
use serde::{Deserialize, Serialize};

use crate::TrackingId;

mod begin;
mod body;
mod operations;
mod presented;
mod record;
mod records;
mod refusal;
mod reprovision;
mod revocation;
mod service;
mod show;
mod sql;
mod worker;

#[cfg(test)]
mod tests;

pub(crate) use body::{BODY_BYTES_MAX, BodyError};
pub(crate) use operations::Operations;
pub(crate) use record::Record;
pub(crate) use record::{Arrival, Place, Plan};
pub use records::WhereaboutsError;
pub(crate) use records::{ReadError, RemoveError};
pub(crate) use refusal::{Credential, Refusal};
pub(crate) use worker::{ASSIGNMENTS_WAITING_MAX, Job};

/// Who asks, as the transport read it; nothing of it is proven yet.
#[derive(Debug, Clone)]
pub struct Presented {
    pub scope: String,
    pub registration_id: RegistrationId,
    /// `2019-03-31`, or later, or with `-preview` behind it.
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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
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

    /// As the real service writes them; 122 of its bits cannot be guessed. Safe in URLs and topics.
    fn random(entropy: &dyn Fn(&mut [u8])) -> Self {
        let mut shard = [0; 8];
        entropy(&mut shard);
        Self(format!("5.{}.{}", hex::encode(shard), TrackingId::random(entropy)))
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mqtt => "MQTT",
            Self::Https => "HTTPS",
        })
    }
}
