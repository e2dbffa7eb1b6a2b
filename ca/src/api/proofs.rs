//! `GET /ca/checkpoint`, `GET /ca/proofs/{serial}?authority=`, `GET /ca/proofs/{SHA-256}`, `GET /ca/consistency?from=&to=`.

use axum::{
    body::Body,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{
    answer,
    read::{self, Asked, Named},
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
pub(super) async fn inclusion(Path(wanted): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_inclusion(&mut asked, &wanted)).await;
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

async fn try_inclusion(asked: &mut Asked, wanted: &str) -> Result<Response, ApiError> {
    asked.caller()?;
    let Where { authority } = asked.query()?;
    let proof = match read::serial_or_sha256(wanted)? {
        Named::Sha256(_) if authority.is_some() => return Err(ApiError::AuthorityOfHash),
        Named::Sha256(sha256) => asked.ca().prove_certificate(&sha256, asked.now).await?,
        Named::Serial(serial) => {
            let authority = authority.map(|id| read::authority(Some(&id))).transpose()?;
            let found = asked.ca().certificate(serial, authority.as_ref()).await?;
            let Some(Stage::Issued { log_index, .. }) = found.map(|stored| stored.stage) else {
                return Err(ApiError::NoCertificate(wanted.to_owned()));
            };
            asked.ca().prove(log_index, asked.now).await?
        }
    };
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
