//! `GET /ca/crls`: the CRLs as they are published now.

use axum::{http::StatusCode, response::Response};

use super::{answer, read::Asked, shapes};
use crate::CrlFacts;

pub(super) async fn list(asked: Asked) -> Response {
    let answered = asked.caller().map(|_| {
        let shapes: Vec<_> = asked.ca().crls().iter().map(|crl| shape(&asked, crl)).collect();
        answer::json(StatusCode::OK, &shapes)
    });
    asked.answer(answered)
}

fn shape(asked: &Asked, crl: &CrlFacts) -> shapes::Crl {
    let base = asked.ca().settings.base_url.as_ref();
    shapes::Crl {
        authority: crl.authority.to_string(),
        shard: crl.shard,
        url: base.map(|base| base.crl(&crl.authority, crl.shard)),
        number: crl.number,
        this_update: crl.this_update,
        next_update: crl.next_update,
        bytes: crl.bytes,
        entries: crl.entries,
    }
}
