//! One request of the service API, read; and one reply, written.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use muster_identity::RegistrationId;
use serde_json::Value;

use super::status::ApiError;
use crate::{
    TrackingId,
    enrollment::{Etag, Precondition},
    protocol::api_version,
};

/// A bulk call with a thousand certificates of 2 KB each, and room to spare.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

pub(super) struct Call {
    pub(super) method: Method,
    /// Percent-decoded; without the empty one that a trailing slash leaves.
    pub(super) segments: Vec<String>,
    query: String,
    headers: HeaderMap,
    body: Body,
}

impl Call {
    pub(super) fn read(request: Request) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().trim_matches('/');
        let segments = path.split('/').map(|segment| {
            let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
            decoded.map(|decoded| decoded.into_owned()).map_err(|_| ApiError::Path)
        });
        Ok(Self {
            method: parts.method,
            segments: segments.collect::<Result<_, _>>()?,
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body,
        })
    }

    /// The second segment: what the call is about.
    pub(super) fn name(&self) -> Result<&str, ApiError> {
        self.segments.get(1).map(String::as_str).ok_or(ApiError::Path)
    }

    pub(super) fn id(&self) -> Result<RegistrationId, ApiError> {
        RegistrationId::parse(self.name()?).map_err(ApiError::Id)
    }

    /// What clients of the original must send; our own additions do not ask for it.
    pub(super) fn check_api_version(&self) -> Result<(), ApiError> {
        api_version(self.parameter("api-version").as_deref()).map(drop).map_err(ApiError::ApiVersion)
    }

    pub(super) fn parameter(&self, wanted: &str) -> Option<String> {
        let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
        Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn precondition(&self) -> Result<Precondition, ApiError> {
        Precondition::parse(self.header(header::IF_MATCH.as_str())).map_err(ApiError::Etag)
    }

    /// An absent body is null.
    pub(super) async fn json(self) -> Result<Value, ApiError> {
        let body = to_bytes(self.body, BODY_BYTES_MAX)
            .await
            .map_err(|_| ApiError::TooLarge { bytes_max: BODY_BYTES_MAX })?;
        if body.trim_ascii().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|error| ApiError::NotJson(error.to_string()))
    }
}

pub(super) struct Reply {
    status: StatusCode,
    body: Option<Value>,
    headers: Vec<(&'static str, String)>,
}

impl Reply {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(body), headers: Vec::new() }
    }

    pub(super) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, headers: Vec::new() }
    }

    pub(super) fn error(status: u16, body: Value) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, body: Some(body), headers: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn with_etag(self, etag: &Etag) -> Self {
        self.with("etag", etag.quoted())
    }

    pub(super) fn into_response(self, tracking: TrackingId) -> Response {
        let mut response = Response::new(match &self.body {
            Some(body) => Body::from(body.to_string()),
            None => Body::empty(),
        });
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        if self.body.is_some() {
            set("content-type", "application/json; charset=utf-8");
        }
        set("x-ms-request-id", &tracking.to_string());
        set("strict-transport-security", "max-age=31536000; includeSubDomains");
        for (name, value) in &self.headers {
            set(name, value);
        }
        response
    }
}
