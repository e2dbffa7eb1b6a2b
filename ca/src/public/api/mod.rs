//! One file a resource.

pub(super) mod issuer;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use jiff::Timestamp;

use super::freshness::Freshness;

/// The bytes, unless who asks has them.
fn answer(
    asked: &HeaderMap,
    content_type: &'static str,
    bytes: axum::body::Bytes,
    freshness: &Freshness,
    now: Timestamp,
) -> Response {
    let mut response = if freshness.is_known(asked) {
        status(StatusCode::NOT_MODIFIED)
    } else {
        let mut response = Response::new(Body::from(bytes));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        response
    };
    freshness.put(response.headers_mut(), now);
    response
}

/// Without more words: whoever asks is a program.
fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
