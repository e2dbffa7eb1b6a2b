//! `GET /ca/audit?from=&max=`, `GET /ca/audit/export`, `GET /ca/audit/verify`.
//!
//! The last two go on for as long as the logs are long: lines of JSON, told as they are read.

use std::{convert::Infallible, io, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use futures::{Stream, StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{answer, read::Asked, shapes, status::ApiError};
use crate::{Ca, VerifyError};

const MAX: usize = 100;
/// Who reads slowly is told less often how far it is.
const PROGRESS_MAX: usize = 16;

pub(super) async fn page(mut asked: Asked) -> Response {
    let answered = Box::pin(try_page(&mut asked)).await;
    asked.answer(answered)
}

pub(super) async fn export(mut asked: Asked) -> Response {
    let answered = Box::pin(try_export(&mut asked)).await;
    asked.answer(answered)
}

pub(super) async fn verify(asked: Asked) -> Response {
    let answered = try_verify(&asked);
    asked.answer(answered)
}

fn try_verify(asked: &Asked) -> Result<Response, ApiError> {
    asked.caller()?;
    let turn = turn(asked)?;
    let lines = verifying(Arc::clone(&asked.api.ca), asked.now).map(move |line| {
        let _held = &turn;
        Ok::<_, Infallible>(written(&line))
    });
    Ok(lined(Body::from_stream(lines)))
}

/// Held as long as the answer goes on.
fn turn(asked: &Asked) -> Result<OwnedSemaphorePermit, ApiError> {
    Arc::clone(&asked.api.walks).try_acquire_owned().map_err(|_| ApiError::BusyReading)
}

async fn try_page(asked: &mut Asked) -> Result<Response, ApiError> {
    asked.caller()?;
    let list: shapes::AuditList = asked.query()?;
    let max = list.max.unwrap_or(MAX).max(1);
    let from = match list.from {
        Some(from) => from,
        None => {
            let entries = asked.ca().audit_entries().await?;
            entries.saturating_sub(u64::try_from(max).unwrap_or(u64::MAX)) + 1
        }
    };
    // One more tells whether there is more; a page of the log may be shorter than what was asked for.
    let entries = asked.ca().audit_page(from, max).await?;
    let next = entries.last().map(|last| last.sequence + 1);
    let more = match next {
        Some(next) => !asked.ca().audit_page(next, 1).await?.is_empty(),
        None => false,
    };
    let shape = shapes::AuditPage {
        entries: entries.iter().map(crate::Chained::to_json).collect(),
        continuation: next.filter(|_| more),
    };
    Ok(answer::json(StatusCode::OK, &shape))
}

/// The file that `verify_export` reads. What cannot be read ends it before its end, which whoever verifies it notices.
async fn try_export(asked: &mut Asked) -> Result<Response, ApiError> {
    asked.caller()?;
    let turn = turn(asked)?;
    let export = asked.ca().audit_export(asked.now).await?;
    let parts = stream::unfold(Some((export, turn)), |going_on| async move {
        let (mut export, turn) = going_on?;
        match export.next().await {
            Ok(Some(part)) => Some((Ok(part), Some((export, turn)))),
            Ok(None) => None,
            Err(error) => {
                tracing::error!(%error, "an export of the audit log is cut short");
                Some((Err(io::Error::other("the export was cut short")), None))
            }
        }
    });
    Ok(lined(Body::from_stream(parts)))
}

/// How far it is, as often as it is read, and at last what it found.
fn verifying(ca: Arc<Ca>, now: jiff::Timestamp) -> impl Stream<Item = shapes::Verifying> {
    let (sender, receiver) = mpsc::channel(PROGRESS_MAX);
    let progress = sender.clone();
    let verified = async move {
        let told = |entries, of| {
            let _ = progress.try_send(shapes::Verifying::Pending { entries, of });
        };
        let verified = ca.audit_verify(now, told).await;
        drop(progress);
        let verdict = match verified {
            Ok(verified) => shapes::Verifying::Whole {
                key: verified.key.to_string(),
                entries: verified.entries,
                certificates: verified.certificates,
                checkpoints: verified.checkpoints,
                root: hex::encode(verified.last.root),
                signed: verified.last.signed,
            },
            Err(VerifyError::Wrong(wrong)) => shapes::Verifying::Broken { message: wrong.to_string() },
            Err(VerifyError::Export(error)) => {
                tracing::error!(%error, "the audit log cannot be read to its end");
                let message = "the logs cannot be read to their end: ask the operator".to_owned();
                shapes::Verifying::Unknown { message }
            }
        };
        // Who asked may be gone.
        let _ = sender.send(verdict).await;
    };
    // One stream of both: it ends when whoever asked stops listening, and nothing goes on alone.
    let told = stream::unfold(receiver, |mut receiver| async move {
        let line = receiver.recv().await?;
        Some((line, receiver))
    });
    stream::select(told, stream::once(verified).filter_map(|()| async { None }))
}

fn lined(body: Body) -> Response {
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn written(line: &shapes::Verifying) -> Vec<u8> {
    // Texts and numbers: there is nothing in them that JSON cannot say.
    let mut text = serde_json::to_vec(line).unwrap_or_default();
    text.push(b'\n');
    text
}
