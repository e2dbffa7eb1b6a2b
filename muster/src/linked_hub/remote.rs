//! A hub elsewhere, reached as a back end reaches it (hub-service.md §2): another Muster, or an Azure IoT Hub.
//!
//! Reported properties are the device's to say, so the REST API does not take them: they do not move to a remote hub.

use std::path::Path;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use muster_dps::{Admitted, HubError, LinkedHub};
use muster_hub::says;
use muster_identity::{Admission, Arrival, Capabilities, DeviceId, DeviceState, HostName, Section};
use muster_sas::ConnectionString;

use crate::client::{Answer, Call, Client, ClientError, segment};

const API_VERSION: &str = "2021-04-12";

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct RemoteError(#[from] ClientError);

pub(crate) struct Remote {
    host: HostName,
    client: Client,
}

impl Remote {
    pub(crate) fn new(
        host: &HostName,
        connection: &Arc<ConnectionString>,
        https_port: u16,
        ca_file: &Path,
    ) -> Result<Self, RemoteError> {
        let client = Client::new(connection.clone(), https_port, ca_file, Vec::new())?;
        Ok(Self { host: host.clone(), client })
    }

    async fn call(&self, call: Call) -> Result<Answer, HubError> {
        self.client.call(&call).await.map_err(|error| HubError::Unavailable(error.to_string()))
    }

    /// Without `If-Match` a PUT only creates, with it only updates (hub-service.md §2.4).
    async fn put_device(&self, admission: &Admission) -> Result<Admitted, HubError> {
        let body = json!({
            "deviceId": admission.device_id,
            "status": "enabled",
            "authentication": admission.authentication,
            "capabilities": admission.capabilities,
        });
        let create = Call::new(Method::PUT, path("devices", &admission.device_id)).body(body);
        let created = self.call(create.clone()).await?;
        match created.status {
            StatusCode::CONFLICT => {
                judge(&self.call(create.header("if-match", "*")).await?)?;
                Ok(Admitted::Updated)
            }
            _ => judge(&created).map(|()| Admitted::Created),
        }
    }

    async fn put_twin(
        &self,
        device: &DeviceId,
        tags: &Map<String, Value>,
        desired: &Map<String, Value>,
    ) -> Result<(), HubError> {
        let body = json!({ "tags": tags, "properties": { "desired": desired } });
        judge(
            &self
                .call(Call::new(Method::PUT, path("twins", device)).header("if-match", "*").body(body))
                .await?,
        )
    }

    async fn patch_desired(
        &self,
        device: &DeviceId,
        desired: &Map<String, Value>,
    ) -> Result<Answer, HubError> {
        let body = json!({ "properties": { "desired": desired } });
        self.call(Call::new(Method::PATCH, path("twins", device)).header("if-match", "*").body(body)).await
    }

    async fn read(&self, kind: &str, device: &DeviceId) -> Result<Option<Value>, HubError> {
        let answer = self.call(Call::new(Method::GET, path(kind, device))).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        judge(&answer)?;
        answer.json().map(Some).ok_or_else(|| HubError::Refused("its answer is not JSON".to_owned()))
    }
}

impl LinkedHub for Remote {
    fn host(&self) -> &HostName {
        &self.host
    }

    fn admit<'a>(
        &'a self,
        admission: &'a Admission,
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<Admitted, HubError>> {
        Box::pin(async move {
            let admitted = self.put_device(admission).await?;
            match &admission.arrival {
                Arrival::Initial(twin) => {
                    self.put_twin(&admission.device_id, &twin.tags, &twin.desired).await?
                }
                Arrival::Migrated(state) => {
                    self.put_twin(&admission.device_id, &state.tags, &state.desired.properties).await?;
                }
                Arrival::Stay => {}
            }
            if !admission.desired.is_empty() {
                judge(&self.patch_desired(&admission.device_id, &admission.desired).await?)?;
            }
            Ok(admitted)
        })
    }

    fn export<'a>(&'a self, device: &'a DeviceId) -> BoxFuture<'a, Result<Option<DeviceState>, HubError>> {
        Box::pin(async move {
            let Some(twin) = self.read("twins", device).await? else { return Ok(None) };
            Ok(Some(state(&twin)))
        })
    }

    fn tell<'a>(
        &'a self,
        device: &'a DeviceId,
        desired: &'a Map<String, Value>,
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<(), HubError>> {
        Box::pin(async move {
            let Some(twin) = self.read("twins", device).await? else { return Ok(()) };
            if twin["properties"]["desired"].as_object().is_some_and(|it| says(it, desired)) {
                return Ok(()); // another version of the same would wake the device for nothing
            }
            let answer = self.patch_desired(device, desired).await?;
            match answer.status {
                StatusCode::NOT_FOUND => Ok(()),
                _ => judge(&answer),
            }
        })
    }

    /// Devices that others brought there have their certificates from somewhere else.
    fn certified<'a>(&'a self, _devices: &'a [DeviceId]) -> BoxFuture<'a, Result<Vec<DeviceId>, HubError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn remove<'a>(&'a self, device: &'a DeviceId) -> BoxFuture<'a, Result<(), HubError>> {
        Box::pin(async move {
            let call = Call::new(Method::DELETE, path("devices", device)).header("if-match", "*");
            let answer = self.call(call).await?;
            match answer.status {
                StatusCode::NOT_FOUND => Ok(()),
                _ => judge(&answer),
            }
        })
    }
}

fn path(kind: &str, device: &DeviceId) -> String {
    format!("/{kind}/{}?api-version={API_VERSION}", segment(device.as_str()))
}

/// Whether asking again can help (hub-service.md §2.12).
fn judge(answer: &Answer) -> Result<(), HubError> {
    let status = answer.status;
    let said = || {
        let text: String = String::from_utf8_lossy(&answer.body).chars().take(500).collect();
        format!("{status} {text}")
    };
    match status.as_u16() {
        200..300 => Ok(()),
        401 => Err(HubError::Unauthorized(said())),
        408 | 429 | 500.. => Err(HubError::Unavailable(said())),
        _ => Err(HubError::Refused(said())),
    }
}

fn state(twin: &Value) -> DeviceState {
    let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
    DeviceState {
        tags: object(&twin["tags"]),
        desired: section(object(&twin["properties"]["desired"])),
        reported: section(object(&twin["properties"]["reported"])),
        capabilities: Capabilities {
            iot_edge: twin["capabilities"]["iotEdge"].as_bool().unwrap_or_default(),
        },
    }
}

/// `$version` and `$metadata` stand among the properties in a twin's JSON.
fn section(mut properties: Map<String, Value>) -> Section {
    let version = properties.shift_remove("$version").and_then(|it| it.as_u64()).unwrap_or(1);
    let metadata = match properties.shift_remove("$metadata") {
        Some(Value::Object(metadata)) => metadata,
        _ => Map::new(),
    };
    Section { properties, version, metadata }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twin_is_taken_apart_into_what_moves() {
        let twin = json!({
            "deviceId": "d",
            "tags": { "site": 7 },
            "properties": {
                "desired": { "on": true, "$version": 4, "$metadata": { "on": {} } },
                "reported": { "$version": 2 },
            },
            "capabilities": { "iotEdge": true },
        });
        let state = state(&twin);
        assert_eq!(state.tags["site"], 7);
        assert_eq!(Value::Object(state.desired.properties), json!({ "on": true }));
        assert_eq!((state.desired.version, state.reported.version), (4, 2));
        assert_eq!(Value::Object(state.desired.metadata), json!({ "on": {} }));
        assert!(state.capabilities.iot_edge);
    }
}
