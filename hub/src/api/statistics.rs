//! `/statistics` (hub-service.md §2.2).

use axum::response::Response;
use http::StatusCode;
use serde_json::json;

use super::{errors::ApiError, json_response};
use crate::service::Hub;

pub(super) async fn devices(hub: &Hub) -> Result<Response, ApiError> {
    let counts = hub.device_counts().await?;
    let body = json!({
        "totalDeviceCount": counts.total,
        "enabledDeviceCount": counts.enabled,
        "disabledDeviceCount": counts.total.saturating_sub(counts.enabled),
    });
    Ok(json_response(StatusCode::OK, &body))
}

pub(super) fn service(hub: &Hub) -> Response {
    json_response(StatusCode::OK, &json!({ "connectedDeviceCount": hub.connected() }))
}
