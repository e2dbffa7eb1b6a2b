//! One file a resource.

pub(super) mod crl;
pub(super) mod issuer;
pub(super) mod ocsp;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use jiff::Timestamp;

use super::Tag;

/// The bytes, unless who asks has them.
fn answer(
    asked: &HeaderMap,
    content_type: &'static str,
    bytes: Bytes,
    tag: &Tag,
    expires: Timestamp,
    now: Timestamp,
) -> Response {
    let mut response = if tag.is_known(asked) {
        status(StatusCode::NOT_MODIFIED)
    } else {
        let mut response = Response::new(Body::from(bytes));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        response
    };
    tag.put(response.headers_mut(), expires, now);
    response
}

/// Without more words: whoever asks is a program.
fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
