//! An identity, and its JSON (hub-service.md §2.3).

use std::sync::Arc;

use jiff::Timestamp;
use muster_identity::{Authentication, Capabilities, DeviceId, Status};
use serde_json::{Value, json};

use super::etag;
use crate::twin::Liveness;

/// "Never", as the original writes it.
pub(crate) const NEVER: &str = "0001-01-01T00:00:00Z";

#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub id: DeviceId,
    pub generation: Arc<str>,
    pub etag: u64,
    pub status: Status,
    pub status_reason: Option<String>,
    pub status_updated: Option<Timestamp>,
    pub authentication: Authentication,
    pub capabilities: Capabilities,
    pub created: Timestamp,
    pub model_id: String,
    /// What a persistent MQTT session has subscribed to; `None`: there is none.
    pub subscriptions: Option<String>,
    pub session_seen: Option<Timestamp>,
}

impl Device {
    pub(crate) fn etag_text(&self) -> String {
        etag::of_identity(self.etag)
    }

    pub(crate) fn status_name(&self) -> &'static str {
        status_name(self.status)
    }

    pub(crate) fn status_updated_text(&self) -> String {
        instant(self.status_updated)
    }

    pub(crate) fn thumbprints(&self) -> (Option<String>, Option<String>) {
        match &self.authentication {
            Authentication::SelfSigned { primary, secondary } => {
                (primary.as_ref().map(ToString::to_string), secondary.as_ref().map(ToString::to_string))
            }
            Authentication::Sas { .. } | Authentication::CertificateAuthority => (None, None),
        }
    }

    /// An edge device is the root of a scope, named after its creation.
    pub(crate) fn scope(&self) -> Option<String> {
        let ticks = muster_identity::GenerationId::minted_at(self.created);
        self.capabilities.iot_edge.then(|| format!("ms-azure-iot-edge://{}-{ticks}", self.id))
    }

    /// Java wants `deviceId` and `authentication` in every reply.
    pub(crate) fn json(&self, liveness: &Liveness) -> Value {
        let mut json = json!({
            "deviceId": self.id.as_str(),
            "generationId": &*self.generation,
            "etag": self.etag_text(),
            "connectionState": liveness.connection_state,
            "status": self.status_name(),
            "statusReason": self.status_reason,
            "connectionStateUpdatedTime": liveness.changed,
            "statusUpdatedTime": self.status_updated_text(),
            "lastActivityTime": liveness.last_activity,
            "cloudToDeviceMessageCount": 0,
            "authentication": self.authentication,
            "capabilities": { "iotEdge": self.capabilities.iot_edge },
        });
        if let (Some(scope), Some(json)) = (self.scope(), json.as_object_mut()) {
            json.insert("deviceScope".to_owned(), json!(scope));
            json.insert("parentScopes".to_owned(), json!([]));
        }
        json
    }
}

pub(crate) fn instant(at: Option<Timestamp>) -> String {
    at.map_or_else(|| NEVER.to_owned(), |at| format!("{at:.7}"))
}

/// As stored, and as every client reads it.
pub(crate) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Enabled => "enabled",
        Status::Disabled => "disabled",
    }
}
