//! `GET /ca/checkpoint`, `GET /ca/proofs/{serial}?authority=`, `GET /ca/consistency?from=&to=`.

use axum::{
    body::Body,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{
    answer,
    read::{self, Asked},
    shapes,
    status::ApiError,
};
use crate::Stage;

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Where {
    authority: Option<String>,
}

pub(super) async fn checkpoint(mut asked: Asked) -> Response {
    let answered = Box::pin(try_checkpoint(&mut asked)).await;
    asked.answer(answered)
}

/// A C2SP tlog-proof, as a file to keep beside the certificate.
pub(super) async fn inclusion(Path(serial): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_inclusion(&mut asked, &serial)).await;
    asked.answer(answered)
}

pub(super) async fn consistency(mut asked: Asked) -> Response {
    let answered = Box::pin(try_consistency(&mut asked)).await;
    asked.answer(answered)
}

async fn try_checkpoint(asked: &mut Asked) -> Result<Response, ApiError> {
    asked.caller()?;
    let key = asked.ca().log_key(asked.now).await?.to_string();
    let signed = asked.ca().checkpoint(asked.now).await?;
    let shape = shapes::Checkpoint {
        key,
        certificates: signed.size,
        root: hex::encode(signed.root),
        note: signed.note,
        entries: signed.chain.entries,
        hash: hex::encode(signed.chain.hash),
        audit_note: signed.audit_note,
        signed: signed.signed,
    };
    Ok(answer::json(StatusCode::OK, &shape))
}

async fn try_inclusion(asked: &mut Asked, serial: &str) -> Result<Response, ApiError> {
    asked.caller()?;
    let wanted: Where = asked.query()?;
    let authority = wanted.authority.map(|id| read::authority(Some(&id))).transpose()?;
    let found = asked.ca().certificate(read::serial(serial)?, authority.as_ref()).await?;
    let index = match found.map(|stored| stored.stage) {
        Some(Stage::Issued { log_index, .. }) => log_index,
        Some(Stage::Recorded | Stage::Abandoned) | None => {
            return Err(ApiError::NoCertificate(serial.to_owned()));
        }
    };
    let proof = asked.ca().prove(index, asked.now).await?;
    let mut response = Response::new(Body::from(proof.to_text()));
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    Ok(response)
}

async fn try_consistency(asked: &mut Asked) -> Result<Response, ApiError> {
    asked.caller()?;
    let shapes::Sizes { from, to } = asked.query()?;
    let proof = asked.ca().prove_consistency(from, to).await?;
    let path = proof.path.iter().map(hex::encode).collect();
    Ok(answer::json(StatusCode::OK, &shapes::Consistency { from, to, path }))
}
