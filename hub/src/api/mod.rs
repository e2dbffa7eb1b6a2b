//! REST for service clients (hub-service.md §2).

use std::sync::Arc;

use axum::Router;

use crate::service::Hub;

/// The listener must put a `muster_x509::Peer` into the extensions of every request; its `at` is the time.
pub fn router(_hub: Arc<Hub>) -> Router {
    Router::new()
}
