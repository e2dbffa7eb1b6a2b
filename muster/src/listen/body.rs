//! A request's body, whole and within limits: in bytes, in time, and together with all other bodies in flight.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::{StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::http::refusal;
use crate::config::Limits;

pub(super) struct Collected {
    pub(super) bytes: Bytes,
    pub(super) reserved: Reserved,
}

/// The body's share of what all bodies may take.
#[derive(Clone)]
pub(super) struct Reserved(
    #[allow(dead_code, reason = "held for its drop")] Option<Arc<OwnedSemaphorePermit>>,
);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyRefused {
    #[error("the body is over {max} bytes; send less at once")]
    TooLarge { max: usize },
    #[error("the body was not complete in time; send it without pauses")]
    TooSlow,
    #[error("too many requests are being received at once; try again in a moment")]
    Busy,
    #[error("the body was cut off")]
    Cut,
}

pub(super) async fn collect(
    body: Incoming,
    bytes_max: usize,
    limits: &Limits,
    budget: &Arc<Semaphore>,
) -> Result<Collected, BodyRefused> {
    if body.is_end_stream() {
        return Ok(Collected { bytes: Bytes::new(), reserved: Reserved(None) });
    }
    let collecting = Box::pin(read(body, bytes_max, budget));
    tokio::time::timeout(limits.request_body_timeout, collecting).await.unwrap_or(Err(BodyRefused::TooSlow))
}

async fn read(mut body: Incoming, max: usize, budget: &Arc<Semaphore>) -> Result<Collected, BodyRefused> {
    if body.size_hint().lower() > max as u64 {
        return Err(BodyRefused::TooLarge { max });
    }
    let mut bytes = BytesMut::new();
    let mut reserved: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyRefused::Cut)?.into_data() else { continue };
        if bytes.len() + data.len() > max {
            return Err(BodyRefused::TooLarge { max });
        }
        let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let more = budget.clone().try_acquire_many_owned(size).map_err(|_| BodyRefused::Busy)?;
        match &mut reserved {
            Some(reserved) => reserved.merge(more),
            none => *none = Some(more),
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Collected { bytes: bytes.freeze(), reserved: Reserved(reserved.map(Arc::new)) })
}

/// A body handed on as it comes, for work that is answered line by line: it is as long as it likes, and never all here.
pub(super) fn pass_on(body: Incoming, limits: &Limits) -> axum::body::Body {
    let pause_max = limits.request_body_timeout;
    axum::body::Body::from_stream(futures::stream::unfold(Some(body), move |body| async move {
        let mut body = body?;
        match tokio::time::timeout(pause_max, body.frame()).await {
            Ok(None) => None,
            Ok(Some(Ok(frame))) => Some((Ok(frame.into_data().unwrap_or_default()), Some(body))),
            Ok(Some(Err(_))) => Some((Err(BodyRefused::Cut), None)),
            Err(_) => Some((Err(BodyRefused::TooSlow), None)),
        }
    }))
}

impl BodyRefused {
    fn status(self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Cut => StatusCode::BAD_REQUEST,
        }
    }

    /// As EST has its refusals (RFC 7030 section 4.2.3).
    pub(super) fn into_line(self) -> Response {
        (self.status(), [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{self}\n"))
            .into_response()
    }
}

impl IntoResponse for BodyRefused {
    fn into_response(self) -> Response {
        refusal(self.status(), &self.to_string())
    }
}
