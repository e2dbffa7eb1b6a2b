//! Authorities that somebody else signs: `POST /ca/authorities/{id}/request`, `GET` the same, `POST …/activate`; and roots of
//! somebody else: `POST …/import`.

use axum::{extract::Path, http::StatusCode, response::Response};

use super::{answer, authorities, read::Asked, shapes, status::ApiError};
use crate::AuthorityId;

pub(super) async fn request(Path(id): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_request(&mut asked, &id)).await;
    asked.answer(answered)
}

pub(super) async fn requested(Path(id): Path<String>, asked: Asked) -> Response {
    let answered = try_requested(&asked, &id);
    asked.answer(answered)
}

pub(super) async fn activate(Path(id): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_activate(&mut asked, &id)).await;
    asked.answer(answered)
}

pub(super) async fn import(Path(id): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_import(&mut asked, &id)).await;
    asked.answer(answered)
}

async fn try_request(asked: &mut Asked, id: &str) -> Result<Response, ApiError> {
    let (id, caller) = (AuthorityId::parse(id)?, asked.caller()?);
    let wanted: shapes::NewAuthority = asked.json_or_nothing().await?;
    if wanted.parent.is_some() {
        return Err(ApiError::ParentElsewhere);
    }
    let new = authorities::new(id.clone(), wanted)?;
    let csr = asked.ca().request_intermediate(new, &caller, asked.now).await?;
    Ok(answer::json(StatusCode::CREATED, &shapes::AuthorityRequest { id: id.to_string(), csr }))
}

fn try_requested(asked: &Asked, id: &str) -> Result<Response, ApiError> {
    asked.caller()?;
    let id = AuthorityId::parse(id)?;
    let csr = asked.ca().pending_request(&id)?;
    Ok(answer::json(StatusCode::OK, &shapes::AuthorityRequest { id: id.to_string(), csr }))
}

async fn try_activate(asked: &mut Asked, id: &str) -> Result<Response, ApiError> {
    let (id, caller) = (AuthorityId::parse(id)?, asked.caller()?);
    let chain = chain(asked).await?;
    let activated = asked.ca().activate(&id, &chain, &caller, asked.now).await?;
    Ok(authorities::told(asked, StatusCode::OK, &activated))
}

async fn try_import(asked: &mut Asked, id: &str) -> Result<Response, ApiError> {
    let (id, caller) = (AuthorityId::parse(id)?, asked.caller()?);
    let chain = chain(asked).await?;
    let imported = asked.ca().import_root(id, &chain, &caller, asked.now).await?;
    Ok(authorities::told(asked, StatusCode::CREATED, &imported))
}

/// As JSON, or the PEM itself.
async fn chain(asked: &mut Asked) -> Result<String, ApiError> {
    if asked.is_json() { Ok(asked.json::<shapes::Chain>().await?.chain) } else { asked.text().await }
}
