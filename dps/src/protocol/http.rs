//! The device API over HTTPS (dps.md §2).

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use muster_identity::RegistrationId;
use muster_sas::Token;
use muster_x509::Peer;

use super::{
    api_version,
    status::{HttpRefusal, Told, http_refusal},
};
use crate::{
    Answer, Ask, Dps, OperationId, Presented, TrackingId, Transport,
    registration::{BODY_BYTES_MAX, BodyError},
};

/// Wants a [`muster_x509::Peer`] in the request's extensions. To serve the service API under the same name, use
/// [`crate::router`].
pub fn router(dps: Arc<Dps>) -> Router {
    Router::new().fallback(handle).with_state(dps)
}

/// `/{idScope}/registrations/…`, with whatever an id scope may look like.
pub(crate) fn is_device_path(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    let scope = segments.next().unwrap_or_default();
    let is_service = crate::api::ROOTS.iter().any(|root| scope.eq_ignore_ascii_case(root));
    !is_service && segments.next().is_some_and(|second| second.eq_ignore_ascii_case("registrations"))
}

pub(crate) async fn handle(State(dps): State<Arc<Dps>>, request: Request) -> Response {
    let Some(peer) = request.extensions().get::<Peer>().cloned() else {
        return http_error(&dps, HttpRefusal::NoPeer, Timestamp::UNIX_EPOCH);
    };
    let now = peer.at;
    match answer(&dps, peer, request).await {
        Ok((answer, location)) => respond(answer, location),
        Err(refusal) => http_error(&dps, refusal, now),
    }
}

/// The answer, and for a registration the place that the original names.
async fn answer(
    dps: &Arc<Dps>,
    peer: Peer,
    request: Request,
) -> Result<(Answer, Option<String>), HttpRefusal> {
    let (parts, body) = request.into_parts();
    let mut segments = Vec::new();
    for segment in parts.uri.path().trim_matches('/').split('/') {
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
        segments.push(decoded.map_err(|_| HttpRefusal::Path)?.into_owned());
    }
    let query = parts.uri.query().unwrap_or_default();
    let parameter = |wanted: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    let [scope, registrations, id, verb @ ..] = segments.as_slice() else { return Err(HttpRefusal::Path) };
    if !registrations.eq_ignore_ascii_case("registrations") {
        return Err(HttpRefusal::Path);
    }
    let registration_id = RegistrationId::parse(id).map_err(HttpRefusal::RegistrationId)?;
    let verb = verb.iter().map(|word| word.to_ascii_lowercase()).collect::<Vec<_>>();
    let verb: Vec<_> = verb.iter().map(String::as_str).collect();

    let api_version = api_version(parameter("api-version")).map_err(HttpRefusal::ApiVersion)?;
    let token = match parts.headers.get(header::AUTHORIZATION) {
        None => None,
        Some(text) => {
            let read = text.to_str().map_err(|error| error.to_string());
            let read = read.and_then(|text| Token::parse(text).map_err(|error| error.to_string()));
            Some(read.map_err(|why| {
                let username = format!("{scope}/registrations/{id}");
                HttpRefusal::Token(dps.refuse_connection(&peer, Transport::Https, &username, &why))
            })?)
        }
    };
    let now = peer.at;
    let presented = Presented {
        scope: scope.clone(),
        registration_id,
        api_version,
        token,
        peer,
        transport: Transport::Https,
    };

    let (ask, location) = match (&parts.method, verb.as_slice()) {
        (&Method::PUT, ["register"]) => {
            let force =
                parameter("forceRegistration").is_some_and(|value| value.eq_ignore_ascii_case("true"));
            let location = format!("https://{}/{scope}/registrations/{id}/register", dps.settings().host);
            (Ask::Register { force, body: read(body).await? }, Some(location))
        }
        (&Method::GET, ["operations", _]) => {
            let operation = segments.last().cloned().unwrap_or_default(); // as sent, not in lower case
            (Ask::Status { operation_id: OperationId::new(operation) }, None)
        }
        (&Method::POST, []) => (Ask::Lookup { body: read(body).await? }, None),
        (_, ["register"] | ["operations", _] | []) => return Err(HttpRefusal::Method),
        _ => return Err(HttpRefusal::Path),
    };
    Ok((dps.ask(&presented, ask, now).await, location))
}

async fn read(body: Body) -> Result<Bytes, HttpRefusal> {
    to_bytes(body, BODY_BYTES_MAX)
        .await
        .map_err(|_| HttpRefusal::Body(BodyError::TooLarge { bytes: BODY_BYTES_MAX + 1 }))
}

fn respond(answer: Answer, location: Option<String>) -> Response {
    let mut response = Response::new(Body::from(answer.body.to_string()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set("content-type", "application/json; charset=utf-8");
    set("x-ms-request-id", &answer.tracking_id.to_string());
    set("strict-transport-security", "max-age=31536000; includeSubDomains");
    if let Some(retry_after_s) = answer.retry_after_s {
        set("retry-after", &retry_after_s.to_string());
    }
    if let Some(location) = location.filter(|_| answer.status == 202) {
        set("location", &location);
    }
    if let Some(code) = answer.body.get("errorCode").filter(|_| answer.status >= 400) {
        set("x-ms-error-code", &code.to_string());
    }
    response
}

fn http_error(dps: &Dps, refusal: HttpRefusal, now: Timestamp) -> Response {
    let tracking_id = match &refusal {
        HttpRefusal::Token(refused) => refused.tracking_id, // the trace of it was written already
        HttpRefusal::Path
        | HttpRefusal::Method
        | HttpRefusal::RegistrationId(_)
        | HttpRefusal::ApiVersion(_)
        | HttpRefusal::Body(_)
        | HttpRefusal::NoPeer => TrackingId::random(&*dps.entropy),
    };
    let told: Told = http_refusal(&refusal);
    let body = told.body(tracking_id, now);
    respond(Answer { status: told.status, retry_after_s: told.retry_after_s, body, tracking_id }, None)
}
