//! REST for service clients (hub-service.md §2).

mod auth;
mod devices;
mod errors;
mod events;
mod route;
mod statistics;
mod twins;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Extension, Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use jiff::Timestamp;
use muster_x509::Peer;
use serde_json::Value;

use crate::{registry::IfMatch, service::Hub};
use errors::ApiError;
use route::{Operation, route};

/// Three twin documents at their largest, with room for metadata sent back and for white space.
const BODY_BYTES_MAX: usize = 512 * 1024;
/// Java's SDK sends POST with this in place of PATCH.
const METHOD_OVERRIDE: &str = "x-http-method-override";

/// The listener must put a `muster_x509::Peer` into the extensions of every request; its `at` is the time.
pub fn router(hub: Arc<Hub>) -> Router {
    Router::new().fallback(answer).with_state(hub)
}

/// What an operation is asked with.
struct Asked {
    query: HashMap<String, String>,
    headers: HeaderMap,
    body: Bytes,
    now: Timestamp,
}

async fn answer(
    State(hub): State<Arc<Hub>>,
    Extension(peer): Extension<Peer>,
    request: Request<Body>,
) -> Response {
    let now = peer.at;
    match Box::pin(operate(&hub, request, now)).await {
        Ok(response) => response,
        Err(error) => error.response(&hub.tracking_id(now)),
    }
}

async fn operate(hub: &Hub, request: Request<Body>, now: Timestamp) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let instead = parts.headers.get(METHOD_OVERRIDE).and_then(|value| value.to_str().ok());
    let operation = route(&parts.method, instead, path).map_err(ApiError::Route)?;
    auth::permit(&hub.settings, &parts.headers, path, operation.needs(), now)?;
    let query = Query::<HashMap<String, String>>::try_from_uri(&parts.uri).unwrap_or_default().0;
    if query.get("api-version").is_none_or(|version| version.is_empty()) {
        return Err(ApiError::Version);
    }
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX)
        .await
        .map_err(|_| ApiError::Body { max: BODY_BYTES_MAX })?;
    let asked = Asked { query, headers: parts.headers, body, now };
    match operation {
        Operation::ListDevices => devices::list(hub, &asked).await,
        Operation::ReadDevice(id) => devices::read(hub, &id).await,
        Operation::WriteDevice(id) => devices::write(hub, &id, &asked).await,
        Operation::DeleteDevice(id) => devices::delete(hub, &id, &asked).await,
        Operation::ListModules(id) => devices::modules(hub, &id).await,
        Operation::LastDisconnect(id) => devices::last_disconnect(hub, &id).await,
        Operation::ReadTwin(id) => twins::read(hub, &id, now).await,
        Operation::EditTwin(id, method) => twins::edit(hub, &id, method, &asked).await,
        Operation::DeviceStatistics => statistics::devices(hub).await,
        Operation::ServiceStatistics => Ok(statistics::service(hub)),
        Operation::ReadEvents => events::read(hub, &asked).await,
        Operation::ReadPartitions => Ok(events::partitions(hub)),
    }
}

impl Asked {
    /// `If-Match`; one old client writes it `IfMatch` (hub-device.md I-8).
    fn if_match(&self) -> Option<IfMatch> {
        let header = self.headers.get(header::IF_MATCH).or_else(|| self.headers.get("ifmatch"))?;
        header.to_str().ok().map(IfMatch::parse)
    }

    fn number<T: std::str::FromStr>(
        &self,
        parameter: &'static str,
        wanted: &'static str,
    ) -> Result<Option<T>, ApiError> {
        let Some(value) = self.query.get(parameter) else { return Ok(None) };
        match value.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(ApiError::Query { parameter, value: value.clone(), wanted }),
        }
    }
}

/// Node parses a body as JSON only with exactly this content type.
fn json_response(status: StatusCode, body: &Value) -> Response {
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    (status, [(header::CONTENT_TYPE, content_type)], body.to_string()).into_response()
}

fn with_etag(mut response: Response, etag: &str) -> Response {
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{etag}\"")) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}
