//! `/devices` (hub-service.md §2.3, §2.4).

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use muster_identity::DeviceId;
use serde_json::{Value, json};

use super::{Asked, errors::ApiError, json_response, with_etag};
use crate::{
    registry::{Device, DeviceRequest, LIST_MAX, RegistryError},
    service::Hub,
};

pub(super) async fn list(hub: &Hub, asked: &Asked) -> Result<Response, ApiError> {
    let top = asked.number("top", "a number from 1 to 1000")?.unwrap_or(LIST_MAX);
    let devices = hub.list_devices(top).await?;
    let devices: Vec<Value> = devices.iter().map(|device| json(hub, device)).collect();
    Ok(json_response(StatusCode::OK, &Value::Array(devices)))
}

pub(super) async fn read(hub: &Hub, id: &DeviceId) -> Result<Response, ApiError> {
    Ok(response(hub, &existing(hub, id).await?))
}

/// Without `If-Match` it creates, with one it updates; never both.
pub(super) async fn write(hub: &Hub, id: &DeviceId, asked: &Asked) -> Result<Response, ApiError> {
    let request = DeviceRequest::parse(id, &asked.body).map_err(RegistryError::from)?;
    let device = match asked.if_match() {
        None => hub.create_device(id, request, asked.now).await?,
        Some(if_match) => hub.update_device(id, request, &if_match, asked.now).await?,
    };
    Ok(response(hub, &device))
}

pub(super) async fn delete(hub: &Hub, id: &DeviceId, asked: &Asked) -> Result<Response, ApiError> {
    hub.delete_device(id, asked.if_match().as_ref(), asked.now).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// None yet: module identities come later. A device that exists has an empty list of them.
pub(super) async fn modules(hub: &Hub, id: &DeviceId) -> Result<Response, ApiError> {
    existing(hub, id).await?;
    Ok(json_response(StatusCode::OK, &json!([])))
}

/// Our extension: MQTT 3.1.1 cannot tell a device why it was cut or refused, so the operator can ask here.
/// `{"deviceId", "connectionState", "product", "disconnected": {"at", "reason"} | null, "refused": {"at", "reason"} | null}`;
/// `product` is what a connected device says it runs. A refusal is there for a device that is not registered, too. Kept in
/// memory: a restart forgets.
pub(super) async fn last_disconnect(hub: &Hub, id: &DeviceId) -> Result<Response, ApiError> {
    let past = |at, reason: String| json!({ "at": crate::registry::instant(Some(at)), "reason": reason });
    let refused = hub.sessions.last_refusal(id).map(|was| past(was.at, was.what.to_string()));
    if refused.is_none() {
        existing(hub, id).await?;
    }
    let disconnected = hub.sessions.last_disconnect(id).map(|was| past(was.at, was.what.to_string()));
    let body = json!({
        "deviceId": id.as_str(),
        "connectionState": hub.sessions.liveness(id).connection_state,
        "product": hub.sessions.product(id),
        "disconnected": disconnected,
        "refused": refused,
    });
    Ok(json_response(StatusCode::OK, &body))
}

async fn existing(hub: &Hub, id: &DeviceId) -> Result<Device, ApiError> {
    let device = hub.find_device(id).await?;
    device.ok_or_else(|| RegistryError::NotFound(id.to_string()).into())
}

fn response(hub: &Hub, device: &Device) -> Response {
    with_etag(json_response(StatusCode::OK, &json(hub, device)), &device.etag_text())
}

fn json(hub: &Hub, device: &Device) -> Value {
    device.json(&hub.sessions.liveness(&device.id))
}
