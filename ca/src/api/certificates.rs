//! `GET /ca/certificates`, `GET /ca/certificates/{serial}?authority=`.

use axum::{extract::Path, http::StatusCode, response::Response};

use muster_x509::to_pem;

use super::{
    answer,
    read::{self, Asked},
    shapes,
    status::ApiError,
};
use crate::Filter;

const MAX: usize = 100;

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Where {
    authority: Option<String>,
}

pub(super) async fn list(mut asked: Asked) -> Response {
    let answered = try_list(&mut asked).await;
    asked.answer(answered)
}

pub(super) async fn one(Path(serial): Path<String>, mut asked: Asked) -> Response {
    let answered = try_one(&mut asked, &serial).await;
    asked.answer(answered)
}

async fn try_list(asked: &mut Asked) -> Result<Response, ApiError> {
    asked.caller()?;
    let list: shapes::List = asked.query()?;
    let filter = Filter {
        authority: list.authority.map(|id| read::authority(Some(&id))).transpose()?,
        profile: list.profile,
        holder: list.holder,
        common_name: list.common_name,
        expires_before: list.expires_before,
        expires_after: list.expires_after,
    };
    let (from, max) = (list.continuation.unwrap_or(0), list.max.unwrap_or(MAX));
    let page = asked.ca().certificates(&filter, from, max).await?;
    let certificates = page.certificates.iter().map(|stored| answer::listed(stored, asked.ca())).collect();
    Ok(answer::json(StatusCode::OK, &shapes::Page { certificates, continuation: page.next }))
}

async fn try_one(asked: &mut Asked, serial: &str) -> Result<Response, ApiError> {
    asked.caller()?;
    let wanted: Where = asked.query()?;
    let authority = wanted.authority.map(|id| read::authority(Some(&id))).transpose()?;
    let found = asked.ca().certificate(read::serial(serial)?, authority.as_ref()).await?;
    let stored = found.ok_or_else(|| ApiError::NoCertificate(serial.to_owned()))?;
    let certificate = stored.certificate().map(|certificate| to_pem(certificate.der()));
    Ok(answer::json(StatusCode::OK, &shapes::Listed { certificate, ..answer::listed(&stored, asked.ca()) }))
}
