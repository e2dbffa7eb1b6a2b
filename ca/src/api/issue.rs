//! `POST /ca/sign`, `POST /ca/renew`.

use axum::{http::StatusCode, response::Response};

use super::{
    answer,
    read::{self, Asked},
    shapes,
    status::ApiError,
};
use crate::{Action, Freshness, Issued, RenewRequest, Request};

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
    let authority = read::authority(sign.authority.as_deref())?;
    let profile = sign.profile.unwrap_or_else(|| PROFILE.to_owned());
    let object = format!("{authority}/{profile}");
    let csr = asked.ca().read_csr(Action::CertificateIssue, object, &caller, &sign.csr, asked.now).await?;
    let subject = read::facts(sign.subject)?;
    let holder = read::holder(sign.holder, asked.ca());
    let request = Request {
        holder: holder.or_else(|| asked.ca().holder_by_name(&profile, &subject, &csr)),
        authority,
        profile,
        csr,
        subject,
        caller,
        idempotency_key,
        not_after: sign.not_after,
    };
    Ok(issued(&asked.ca().issue(request, asked.now).await?))
}

async fn try_renew(asked: &mut Asked) -> Result<Response, ApiError> {
    let caller = asked.caller()?;
    let idempotency_key = asked.idempotency_key()?;
    let renew: shapes::Renew = asked.json().await?;
    let old = read::certificate(&renew.certificate)?;
    let object = format!("certificate/{}", old.serial_hex().to_ascii_lowercase());
    let csr = asked.ca().read_csr(Action::CertificateRenew, object, &caller, &renew.csr, asked.now).await?;
    let request = RenewRequest {
        old,
        csr,
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
