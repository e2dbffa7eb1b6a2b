//! `POST /ca/sign`, `POST /ca/renew`.

use axum::{http::StatusCode, response::Response};

use super::{
    answer,
    read::{self, Asked},
    shapes,
    status::ApiError,
};
use crate::{Freshness, Issued, RenewRequest, Request};

const PROFILE: &str = "device";

pub(super) async fn sign(mut asked: Asked) -> Response {
    let answered = Box::pin(try_sign(&mut asked)).await;
    asked.answer(answered)
}

pub(super) async fn renew(mut asked: Asked) -> Response {
    let answered = Box::pin(try_renew(&mut asked)).await;
    asked.answer(answered)
}

async fn try_sign(asked: &mut Asked) -> Result<Response, ApiError> {
    let caller = asked.caller()?;
    let idempotency_key = asked.idempotency_key()?;
    let sign: shapes::Sign = asked.json().await?;
    let request = Request {
        authority: read::authority(sign.authority.as_deref())?,
        profile: sign.profile.unwrap_or_else(|| PROFILE.to_owned()),
        csr: read::csr(&sign.csr)?,
        subject: read::facts(sign.subject)?,
        caller,
        idempotency_key,
        holder: read::holder(sign.holder, asked.ca()),
        not_after: sign.not_after,
    };
    Ok(issued(&asked.ca().issue(request, asked.now).await?))
}

async fn try_renew(asked: &mut Asked) -> Result<Response, ApiError> {
    let caller = asked.caller()?;
    let idempotency_key = asked.idempotency_key()?;
    let renew: shapes::Renew = asked.json().await?;
    let request = RenewRequest {
        old: read::certificate(&renew.certificate)?,
        csr: read::csr(&renew.csr)?,
        caller,
        authority: renew.authority.map(|id| read::authority(Some(&id))).transpose()?,
        idempotency_key,
        holder: read::holder(renew.holder, asked.ca()),
    };
    Ok(issued(&asked.ca().renew(request, asked.now).await?))
}

fn issued(issued: &Issued) -> Response {
    let status = match issued.freshness {
        Freshness::New => StatusCode::CREATED,
        Freshness::Repeated => StatusCode::OK,
    };
    answer::json(status, &answer::certificate(issued))
}
