//! A hub's back-end side: devices, twins, the event log (hub-service.md §2).

use hyper::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{HUB_API_VERSION, ServiceClient, ServiceError, segment};

/// Events of one answer; the most that the hub gives.
const EVENTS_EACH: usize = 1000;

/// An event as the log keeps it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedEvent {
    pub partition: u16,
    pub offset: u64,
    pub device_id: String,
    pub enqueued_time: String,
    /// As the hub shows it: JSON, or text, or base64 in a text.
    pub body: Value,
    pub body_encoding: String,
    pub system_properties: Value,
    pub properties: Value,
}

/// What a partition holds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Partition {
    pub partition: u16,
    pub first_offset: u64,
    pub next_offset: u64,
}

/// Events of one partition, and where to read on.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    pub next_offset: u64,
    pub events: Vec<LoggedEvent>,
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

    pub async fn partitions(&self) -> Result<Vec<Partition>, ServiceError> {
        let path = format!("/events/partitions?api-version={HUB_API_VERSION}");
        self.read(path).await
    }

    /// Events of one partition from this offset on.
    pub async fn events_from(&self, partition: u16, from: u64) -> Result<EventPage, ServiceError> {
        let path = format!(
            "/events?partition={partition}&from={from}&max={EVENTS_EACH}&api-version={HUB_API_VERSION}"
        );
        self.read(path).await
    }

    /// The whole event log as it is now, partition after partition.
    pub async fn events(&self) -> Result<Vec<LoggedEvent>, ServiceError> {
        let mut events = Vec::new();
        for Partition { partition, first_offset, next_offset } in self.partitions().await? {
            let mut from = first_offset;
            while from < next_offset {
                let page = self.events_from(partition, from).await?;
                if page.next_offset <= from {
                    let what = format!("partition {partition} ends at {from}, said to reach {next_offset}");
                    return Err(ServiceError::Senseless { path: "/events".to_owned(), what });
                }
                from = page.next_offset;
                events.extend(page.events);
            }
        }
        Ok(events)
    }

    async fn read<T: DeserializeOwned>(&self, path: String) -> Result<T, ServiceError> {
        let body = self.expect(Method::GET, &path, &[], None).await?.body;
        serde_json::from_value(body)
            .map_err(|reason| ServiceError::Senseless { path, what: reason.to_string() })
    }
}

fn path(kind: &str, id: &str) -> String {
    format!("/{kind}/{}?api-version={HUB_API_VERSION}", segment(id))
}
