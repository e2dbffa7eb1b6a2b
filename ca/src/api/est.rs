//! `GET /ca/est/labels`, `GET PUT DELETE …/{name}`, `GET POST /ca/est/credentials`, `DELETE …/{user}`.

use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{answer, read::Asked, shapes, status::ApiError};
use crate::{EstChangeError, EstCredential, EstLabel, NewEstCredential};

/// Where EST stands on the host that answers here.
const EST: &str = "/.well-known/est/";

pub(super) async fn labels(asked: Asked) -> Response {
    let answered = asked.caller().map(|_| answer::json(StatusCode::OK, &asked.ca().est_labels()));
    asked.answer(answered)
}

pub(super) async fn label(Path(name): Path<String>, asked: Asked) -> Response {
    let answered = try_label(&asked, name);
    asked.answer(answered)
}

pub(super) async fn put_label(Path(name): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_put_label(&mut asked, name)).await;
    asked.answer(answered)
}

pub(super) async fn delete_label(Path(name): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_delete_label(&mut asked, &name)).await;
    asked.answer(answered)
}

pub(super) async fn credentials(asked: Asked) -> Response {
    let answered = try_credentials(&asked);
    asked.answer(answered)
}

pub(super) async fn new_credential(mut asked: Asked) -> Response {
    let answered = Box::pin(try_new_credential(&mut asked)).await;
    asked.answer(answered)
}

pub(super) async fn delete_credential(Path(user): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_delete_credential(&mut asked, &user)).await;
    asked.answer(answered)
}

fn try_label(asked: &Asked, name: String) -> Result<Response, ApiError> {
    asked.caller()?;
    let label = asked.ca().est_label(&name).ok_or(EstChangeError::NoLabel(name))?;
    Ok(answer::json(StatusCode::OK, &label))
}

async fn try_put_label(asked: &mut Asked, name: String) -> Result<Response, ApiError> {
    let caller = asked.caller()?;
    // The path says which one.
    let label = EstLabel { name, ..asked.json().await? };
    asked.ca().put_est_label(label.clone(), &caller, asked.now).await?;
    Ok(answer::json(StatusCode::OK, &label))
}

async fn try_delete_label(asked: &mut Asked, name: &str) -> Result<Response, ApiError> {
    asked.ca().delete_est_label(name, &asked.caller()?, asked.now).await?;
    Ok(answer::no_content())
}

fn try_credentials(asked: &Asked) -> Result<Response, ApiError> {
    asked.caller()?;
    let wanted: shapes::EstCredentials = asked.query()?;
    let found = asked.ca().est_credentials(wanted.label.as_deref());
    let shapes: Vec<_> = found.iter().map(|credential| shape(asked, credential)).collect();
    Ok(answer::json(StatusCode::OK, &shapes))
}

async fn try_new_credential(asked: &mut Asked) -> Result<Response, ApiError> {
    let caller = asked.caller()?;
    let shapes::NewEstCredential { label, user, kind, names, count, until } = asked.json().await?;
    let new = NewEstCredential { label, user, kind, names, count, until };
    let fresh = asked.ca().new_est_credential(new, &caller, asked.now).await?;
    let password = Some(fresh.password.to_string());
    let shape = shapes::EstCredential { password, ..shape(asked, &fresh.credential) };
    let mut response = answer::json(StatusCode::CREATED, &shape);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn try_delete_credential(asked: &mut Asked, user: &str) -> Result<Response, ApiError> {
    asked.ca().delete_est_credential(user, &asked.caller()?, asked.now).await?;
    Ok(answer::no_content())
}

fn shape(asked: &Asked, credential: &EstCredential) -> shapes::EstCredential {
    shapes::EstCredential {
        label: credential.label.clone(),
        url: format!("https://{}{EST}{}", asked.host(), credential.label),
        user: credential.user.clone(),
        password: None,
        kind: credential.kind,
        names: credential.names.clone(),
        count: credential.count,
        used: asked.ca().est_credential_used(credential),
        until: credential.until,
        created: credential.created,
    }
}
