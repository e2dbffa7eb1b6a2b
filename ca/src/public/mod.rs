//! What the world reads over plain HTTP, without saying who it is: CRLs, certificates of issuers, OCSP answers.
//!
//! | | |
//! |---|---|
//! | `GET /crl/{authority}/{shard}.crl` | which of an authority's certificates are revoked |
//! | `GET /issuer/{authority}.cer` | an authority's certificate, DER |
//! | `POST /ocsp`, `GET /ocsp/{base64}` | whether one certificate is revoked |
//!
//! All of it is signed, so that nobody on the way can change it.

mod api;
mod freshness;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

pub(crate) use freshness::Tag;

use crate::{Ca, api::Clock};

/// An OCSP request about as many certificates as one may ask for is a tenth of that.
const BODY_BYTES_MAX: usize = 64 * 1024;

#[derive(Clone)]
struct Public {
    ca: Arc<Ca>,
    clock: Clock,
}

/// All routes.
pub fn public_router(ca: Arc<Ca>, clock: Clock) -> Router {
    Router::new()
        .route("/crl/{authority}/{file}", get(api::crl::get))
        .route("/ocsp", post(api::ocsp::post))
        .route("/ocsp/{*request}", get(api::ocsp::get))
        .route("/issuer/{file}", get(api::issuer::get))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Public { ca, clock })
}

#[cfg(test)]
mod tests;
