//! `GET /ca/authorities`.

use axum::{http::StatusCode, response::Response};

use muster_x509::to_pem;

use super::{answer, read::Asked, shapes, status::ApiError};
use crate::Authority;

pub(super) async fn list(asked: Asked) -> Response {
    let answered = try_list(&asked);
    asked.answer(answered)
}

fn try_list(asked: &Asked) -> Result<Response, ApiError> {
    asked.caller()?;
    let authorities: Vec<_> = asked.ca().tree().iter().map(|authority| shape(authority)).collect();
    Ok(answer::json(StatusCode::OK, &authorities))
}

fn shape(authority: &Authority) -> shapes::Authority {
    let certificate = authority.certificate.as_ref();
    shapes::Authority {
        id: authority.id.to_string(),
        parent: authority.parent.as_ref().map(ToString::to_string),
        state: authority.state.as_str(),
        generation: authority.generation,
        crl_shards: authority.crl_shards,
        subject: certificate.map(|certificate| certificate.subject().to_owned()),
        not_before: certificate.map(muster_x509::Certificate::not_before),
        not_after: certificate.map(muster_x509::Certificate::not_after),
        certificate: certificate.map(|certificate| to_pem(certificate.der())),
    }
}
