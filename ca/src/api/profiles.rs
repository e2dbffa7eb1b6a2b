//! `GET /ca/profiles`, `GET PUT DELETE /ca/profiles/{name}`.

use axum::{extract::Path, http::StatusCode, response::Response};

use super::{answer, read::Asked, shapes, status::ApiError};
use crate::{Profile, ProfileId};

pub(super) async fn list(asked: Asked) -> Response {
    let answered = asked.caller().map(|_| {
        let profiles: Vec<_> = asked.ca().profiles().iter().map(|profile| shape(profile)).collect();
        answer::json(StatusCode::OK, &profiles)
    });
    asked.answer(answered)
}

/// `device@3` is that version.
pub(super) async fn one(Path(name): Path<String>, asked: Asked) -> Response {
    let answered = try_one(&asked, &name);
    asked.answer(answered)
}

pub(super) async fn put(Path(name): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_put(&mut asked, &name)).await;
    asked.answer(answered)
}

pub(super) async fn retire(Path(name): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_retire(&mut asked, &name)).await;
    asked.answer(answered)
}

fn try_one(asked: &Asked, name: &str) -> Result<Response, ApiError> {
    asked.caller()?;
    let profile = asked.ca().profile(name).ok_or_else(|| ApiError::NoProfile(name.to_owned()))?;
    let source = Some(profile.source.clone());
    Ok(answer::json(StatusCode::OK, &shapes::Profile { source, ..shape(&profile) }))
}

async fn try_put(asked: &mut Asked, name: &str) -> Result<Response, ApiError> {
    let caller = asked.caller()?;
    let source = if asked.is_json() {
        asked.json::<shapes::ProfileText>().await?.source
    } else {
        asked.text().await?
    };
    let ProfileId { name, version } = asked.ca().put_profile(name, &source, &caller, asked.now).await?;
    let profile = asked.ca().profile(&format!("{name}@{version}")).ok_or(ApiError::NoProfile(name))?;
    let status = if version == 1 { StatusCode::CREATED } else { StatusCode::OK };
    Ok(answer::json(status, &shape(&profile)))
}

async fn try_retire(asked: &mut Asked, name: &str) -> Result<Response, ApiError> {
    asked.ca().retire_profile(name, &asked.caller()?, asked.now).await?;
    Ok(answer::no_content())
}

fn shape(profile: &Profile) -> shapes::Profile {
    shapes::Profile {
        name: profile.id.name.clone(),
        version: profile.id.version,
        title: profile.title.clone(),
        policy: profile.policy.to_string(),
        source: None,
    }
}
