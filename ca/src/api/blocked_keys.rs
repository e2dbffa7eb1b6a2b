//! `PUT DELETE /ca/blocked-keys/{sha256}`: keys that get no certificate, by the SHA-256 of their SubjectPublicKeyInfo.

use axum::{extract::Path, response::Response};

use muster_store::WriteError;

use super::{answer, read::Asked, shapes, status::ApiError};

pub(super) async fn put(Path(sha256): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_put(&mut asked, &sha256)).await;
    asked.answer(answered)
}

pub(super) async fn delete(Path(sha256): Path<String>, mut asked: Asked) -> Response {
    let answered = Box::pin(try_delete(&mut asked, &sha256)).await;
    asked.answer(answered)
}

async fn try_put(asked: &mut Asked, sha256: &str) -> Result<Response, ApiError> {
    let (caller, spki_sha256) = (asked.caller()?, read(sha256)?);
    let block: shapes::Block = asked.json().await?;
    asked.ca().block_key(spki_sha256, &block.reason, &caller, asked.now).await?;
    Ok(answer::no_content())
}

async fn try_delete(asked: &mut Asked, sha256: &str) -> Result<Response, ApiError> {
    match asked.ca().unblock_key(read(sha256)?, &asked.caller()?, asked.now).await {
        Ok(()) => Ok(answer::no_content()),
        Err(WriteError::Unmet { .. }) => Err(ApiError::NoBlockedKey(sha256.to_owned())),
        Err(error) => Err(error.into()),
    }
}

fn read(sha256: &str) -> Result<[u8; 32], ApiError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(sha256, &mut bytes).map_err(|_| ApiError::KeyHash)?;
    Ok(bytes)
}
