//! `/twins` (hub-service.md §2.5).

use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use muster_identity::DeviceId;

use super::{Asked, errors::ApiError, json_response, with_etag};
use crate::{
    registry::{IfMatch, RegistryError, etag},
    service::Hub,
    twin::{Edit, Method, Twin, service_view},
};

pub(super) async fn read(hub: &Hub, id: &DeviceId, now: Timestamp) -> Result<Response, ApiError> {
    let twin = hub.read_twin(id, now).await?;
    response(hub, id, &twin).await
}

/// PATCH merges, PUT replaces. `If-Match` is optional.
pub(super) async fn edit(
    hub: &Hub,
    id: &DeviceId,
    method: Method,
    asked: &Asked,
) -> Result<Response, ApiError> {
    let edit = Edit::parse(method, &asked.body)?;
    let if_match = asked.if_match().unwrap_or(IfMatch::Any);
    let twin = hub.edit_twin(id, &edit, &if_match, asked.now).await?;
    response(hub, id, &twin).await
}

async fn response(hub: &Hub, id: &DeviceId, twin: &Twin) -> Result<Response, ApiError> {
    let device = hub.find_device(id).await?.ok_or_else(|| RegistryError::NotFound(id.to_string()))?;
    let body = service_view(&device, twin, &hub.sessions.liveness(id))?;
    Ok(with_etag(json_response(StatusCode::OK, &body), &etag::of_twin(twin.etag)))
}
