//! `GET /crl/{authority}/{shard}.crl`: the place that certificates name as their CRL distribution point.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use jiff::SignedDuration;

use super::{answer, status};
use crate::{AuthorityId, public::Public};

/// A revocation is to be seen long before the list ends that is without it.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

pub(in crate::public) async fn get(
    State(Public { ca, clock }): State<Public>,
    Path((authority, file)): Path<(String, String)>,
    asked: HeaderMap,
) -> Response {
    let authority = AuthorityId::parse(&authority).ok().and_then(|id| ca.authority(&id));
    let shard = file.strip_suffix(".crl").and_then(shard);
    let (Some(authority), Some(shard)) = (authority, shard) else { return status(StatusCode::NOT_FOUND) };
    if shard >= authority.crl_shards.max(1) {
        return status(StatusCode::NOT_FOUND);
    }
    let Some(crl) = ca.crl(&authority.id, shard) else {
        // It is being made.
        let mut response = status(StatusCode::SERVICE_UNAVAILABLE);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return response;
    };
    let now = clock();
    let expires = now.saturating_add(KEPT).map_or(crl.next_update, |kept| kept.min(crl.next_update));
    answer(&asked, "application/pkix-crl", crl.der.clone(), &crl.tag, expires, now)
}

/// As it is written in certificates: one way for each.
fn shard(text: &str) -> Option<u16> {
    let shard = text.parse::<u16>().ok()?;
    (shard.to_string() == text).then_some(shard)
}
