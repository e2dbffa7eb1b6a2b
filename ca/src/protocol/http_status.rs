//! What anybody may fetch without TLS: `/crl/…`, `/issuer/…`, `/ocsp`.

use std::sync::Arc;

use axum::Router;

use crate::Ca;

pub fn router(ca: Arc<Ca>) -> Router {
    Router::new().with_state(ca)
}
