//! The REST API of the authority.

use std::sync::Arc;

use axum::Router;

use crate::Ca;

/// All routes; whoever mounts it has checked who asks and put a [`crate::Caller`] into the request's extensions.
pub fn router(ca: Arc<Ca>) -> Router {
    Router::new().with_state(ca)
}
