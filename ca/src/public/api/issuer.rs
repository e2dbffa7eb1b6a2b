//! `GET /issuer/{authority}.cer`: what builds chains fetches the certificate of an authority here.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use jiff::SignedDuration;

use super::{answer, status};
use crate::{
    AuthorityId,
    public::{Public, Tag},
};

/// An authority gets another certificate long before the one that it has ends.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

pub(in crate::public) async fn get(
    State(Public { ca, clock }): State<Public>,
    Path(file): Path<String>,
    asked: HeaderMap,
) -> Response {
    let id = file.strip_suffix(".cer").and_then(|id| AuthorityId::parse(id).ok());
    let authority = id.and_then(|id| ca.authority(&id));
    let Some(certificate) = authority.as_ref().and_then(|authority| authority.certificate.as_ref()) else {
        return status(StatusCode::NOT_FOUND);
    };
    let now = clock();
    let der = Bytes::copy_from_slice(certificate.der());
    let tag = Tag::new(&der, certificate.not_before());
    let expires = now.saturating_add(KEPT).unwrap_or(now);
    answer(&asked, "application/pkix-cert", der, &tag, expires, now)
}
