//! What a back end may ask an identity to be: the body of PUT /devices/{id} (hub-service.md §2.3, §2.4).

use muster_identity::{AuthenticationError, Capabilities, DeviceId, RequestedAuthentication, Status};
use serde::Deserialize;
use serde_json::Value;

const STATUS_REASON_CHARACTERS_MAX: usize = 128;

/// A PUT replaces: what is left out takes its default, keys that are left out are made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DeviceRequest {
    pub status: Status,
    pub status_reason: Option<String>,
    pub authentication: RequestedAuthentication,
    pub capabilities: Capabilities,
    /// Echoed by clients that read the device before; it cannot be changed.
    pub scope: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    #[error("body is not JSON: {0}")]
    NotJson(String),
    #[error("`{field}`: {reason}")]
    Field { field: &'static str, reason: String },
    #[error("{0}")]
    Authentication(#[from] AuthenticationError),
    #[error("`deviceId` is `{body}` in the body and `{path}` in the path; make them equal")]
    DeviceId { body: String, path: String },
    #[error(
        "`deviceScope`: device scope is immutable, and devices in the scope of another are not supported yet; leave it out"
    )]
    Scope,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    device_id: Option<String>,
    status: Option<String>,
    status_reason: Option<String>,
    authentication: Option<Value>,
    capabilities: Option<RawCapabilities>,
    device_scope: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawCapabilities {
    iot_edge: Option<bool>,
}

impl DeviceRequest {
    pub(crate) fn parse(id: &DeviceId, body: &[u8]) -> Result<Self, Invalid> {
        let raw: Raw = serde_json::from_slice(body).map_err(|error| Invalid::NotJson(error.to_string()))?;
        if let Some(body) = raw.device_id.filter(|body| !body.is_empty() && body != id.as_str()) {
            return Err(Invalid::DeviceId { body, path: id.to_string() });
        }
        let status = match raw.status.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "enabled") => Status::Enabled,
            Some("disabled") => Status::Disabled,
            Some(other) => {
                let reason = format!("`{other}` is neither `enabled` nor `disabled`");
                return Err(Invalid::Field { field: "status", reason });
            }
        };
        let reason_characters = raw.status_reason.as_ref().map_or(0, |reason| reason.chars().count());
        if reason_characters > STATUS_REASON_CHARACTERS_MAX {
            let reason = format!("{reason_characters} characters, at most {STATUS_REASON_CHARACTERS_MAX}");
            return Err(Invalid::Field { field: "statusReason", reason });
        }
        Ok(Self {
            status,
            status_reason: raw.status_reason,
            authentication: RequestedAuthentication::parse(raw.authentication.as_ref())?,
            capabilities: Capabilities {
                iot_edge: raw.capabilities.and_then(|c| c.iot_edge).unwrap_or(false),
            },
            scope: raw.device_scope.filter(|scope| !scope.is_empty()),
        })
    }
}
