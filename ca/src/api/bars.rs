//! `GET /ca/bars`, `GET DELETE /ca/bars/{holder}`: who gets no certificate until an operator lets it in again.

use std::sync::Arc;

use axum::{extract::Path, http::StatusCode, response::Response};

use super::{answer, read::Asked, revocations, shapes, status::ApiError};
use crate::Revocation;

pub(super) async fn list(asked: Asked) -> Response {
    let answered = asked.caller().map(|_| {
        let mut holders = asked.ca().barred_holders();
        holders.sort_unstable();
        // One that was readmitted meanwhile is left out.
        let bar = |holder: String| Some(shape(asked.ca().barred(&holder)?, holder));
        let bars: Vec<_> = holders.into_iter().filter_map(bar).collect();
        answer::json(StatusCode::OK, &bars)
    });
    asked.answer(answered)
}

pub(super) async fn one(Path(holder): Path<String>, asked: Asked) -> Response {
    let answered = try_one(&asked, holder);
    asked.answer(answered)
}

pub(super) async fn delete(Path(holder): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_delete(&mut asked, holder)).await;
    asked.answer(answered)
}

fn try_one(asked: &Asked, holder: String) -> Result<Response, ApiError> {
    asked.caller()?;
    let bar = asked.ca().barred(&holder).ok_or_else(|| ApiError::NotBarred(holder.clone()))?;
    Ok(told(holder, bar))
}

/// Answers what the bar was.
async fn try_delete(asked: &mut Asked, holder: String) -> Result<Response, ApiError> {
    let caller = asked.caller()?;
    let bar = Arc::clone(&asked.api.ca).readmit(&holder, &caller, asked.now).await?;
    Ok(told(holder, bar))
}

fn told(holder: String, bar: Revocation) -> Response {
    answer::json(StatusCode::OK, &shape(bar, holder))
}

fn shape(bar: Revocation, holder: String) -> shapes::Bar {
    shapes::Bar { holder, revocation: revocations::shape(bar) }
}
