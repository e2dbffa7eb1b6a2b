//! EST over HTTPS, below `/.well-known/est`.

use std::sync::Arc;

use axum::Router;

use crate::Ca;

/// All routes; `muster_x509::Peer` is in the request's extensions.
pub fn router(ca: Arc<Ca>) -> Router {
    Router::new().with_state(ca)
}
