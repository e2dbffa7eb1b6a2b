//! The service API: enrollments, registrations, certificates, traces (dps.md §7).

use std::sync::Arc;

use axum::Router;

use crate::Dps;

/// Wants a [`muster_x509::Peer`] in the request's extensions.
pub fn router(dps: Arc<Dps>) -> Router {
    let _ = dps;
    Router::new()
}
