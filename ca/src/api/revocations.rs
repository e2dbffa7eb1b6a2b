//! `POST /ca/revoke`, `GET /ca/revocations/{serial}?authority=`.

use std::sync::Arc;

use axum::{extract::Path, http::StatusCode, response::Response};

use super::{
    answer,
    read::{self, Asked},
    shapes,
    status::ApiError,
};
use crate::{Action, Decision, Entry, Reason, Revocation, Stored, What};

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Where {
    authority: Option<String>,
}

pub(super) async fn revoke(mut asked: Asked) -> Response {
    let answered = Box::pin(try_revoke(&mut asked)).await;
    asked.answer(answered)
}

pub(super) async fn one(Path(serial): Path<String>, mut asked: Asked) -> Response {
    let answered = try_one(&mut asked, &serial).await;
    asked.answer(answered)
}

async fn try_revoke(asked: &mut Asked) -> Result<Response, ApiError> {
    let caller = asked.caller()?;
    let revoke: shapes::Revoke = asked.json().await?;
    let reason = revoke.reason.as_deref().map(Reason::parse).transpose()?.unwrap_or(Reason::Unspecified);
    let what = match (revoke.serial, revoke.holder, revoke.authority) {
        (Some(serial), None, authority) => {
            let found = found(asked, &serial, authority.as_deref()).await;
            let object = format!("certificate/{serial}");
            let refused = Entry::new(&caller, Action::CertificateRevoke, object, Decision::Refused);
            let is_decision = |error: &ApiError| matches!(error, ApiError::NoCertificate(_));
            let stored = asked.ca().or_refused(found, refused, is_decision, asked.now).await?;
            What::Serial { authority: stored.authority, serial: stored.serial }
        }
        (None, Some(holder), None) => What::Holder(holder),
        (None, None, Some(id)) => What::Authority(read::authority(Some(&id))?),
        (Some(_), Some(_), _) | (None, Some(_), Some(_)) | (None, None, None) => {
            return Err(ApiError::RevokeOne);
        }
    };
    let revoked = Arc::clone(&asked.api.ca).revoke(what, reason, &caller, asked.now).await?;
    let (serial, holder, authority) = match revoked.what {
        What::Serial { authority, serial } => (Some(hex::encode(serial)), None, Some(authority)),
        What::Holder(holder) => (None, Some(holder), None),
        What::Authority(id) => (None, None, Some(id)),
    };
    let shape = shapes::Revoked {
        serial,
        holder,
        authority: authority.map(|id| id.to_string()),
        revocation: shape(revoked.revocation),
    };
    Ok(answer::json(StatusCode::OK, &shape))
}

async fn try_one(asked: &mut Asked, serial: &str) -> Result<Response, ApiError> {
    asked.caller()?;
    let wanted: Where = asked.query()?;
    let stored = found(asked, serial, wanted.authority.as_deref()).await?;
    let revoked = asked.ca().is_revoked(&stored.authority, &stored.serial, stored.held_by().as_ref());
    let shape = shapes::Status {
        serial: hex::encode(stored.serial),
        authority: stored.authority.to_string(),
        revoked: revoked.map(shape),
    };
    Ok(answer::json(StatusCode::OK, &shape))
}

async fn found(asked: &mut Asked, serial: &str, authority: Option<&str>) -> Result<Stored, ApiError> {
    let authority = authority.map(|id| read::authority(Some(id))).transpose()?;
    let found = asked.ca().certificate(read::serial(serial)?, authority.as_ref()).await?;
    found.ok_or_else(|| ApiError::NoCertificate(serial.to_owned()))
}

pub(super) fn shape(revocation: Revocation) -> shapes::Revocation {
    shapes::Revocation { reason: revocation.reason.as_str(), at: revocation.at }
}
