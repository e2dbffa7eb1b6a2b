//! `GET /ca/grants`, `PUT DELETE /ca/grants/{id}`.

use axum::{extract::Path, http::StatusCode, response::Response};

use super::{answer, read::Asked, status::ApiError};
use crate::Grant;

pub(super) async fn list(asked: Asked) -> Response {
    let answered = asked.caller().map(|_| answer::json(StatusCode::OK, &asked.ca().grants()));
    asked.answer(answered)
}

pub(super) async fn put(Path(id): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_put(&mut asked, id)).await;
    asked.answer(answered)
}

pub(super) async fn delete(Path(id): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_delete(&mut asked, &id)).await;
    asked.answer(answered)
}

async fn try_put(asked: &mut Asked, id: String) -> Result<Response, ApiError> {
    let caller = asked.caller()?;
    // The path says which one.
    let grant = Grant { id, ..asked.json().await? };
    asked.ca().put_grant(grant.clone(), &caller, asked.now).await?;
    Ok(answer::json(StatusCode::OK, &grant))
}

async fn try_delete(asked: &mut Asked, id: &str) -> Result<Response, ApiError> {
    asked.ca().delete_grant(id, &asked.caller()?, asked.now).await?;
    Ok(answer::no_content())
}
