//! The Device Provisioning Service: who may join, which hub gets them, and why not.
//!
//! An *enrollment* is the permission, a *registration* one device's provisioning. Read `registration/service.rs` first: one
//! request from the top to the bottom.

mod allocation;
pub mod api;
mod attestation;
mod audited;
mod certificate;
mod enrollment;
pub mod explain;
mod external_crl;
mod issuing;
pub mod linked_hub;
pub mod protocol;
pub mod registration;
mod reminder;
mod service;
mod settings;
mod throttle;
pub mod trace;

#[cfg(test)]
mod tests;

pub use enrollment::EnrollmentKind;
pub use external_crl::{CrlUrl, Fetch, FetchFailed, Fetched, Validators};
pub use linked_hub::{Admitted, HubError, Link, LinkedHub};
pub use registration::{Answer, Ask, ConnectRefused, OperationId, Presented, Transport, WhereaboutsError};
pub use service::{Dps, OpenError};
pub use settings::{Limits, RETRY_AFTER_S, Settings};
pub use trace::TrackingId;

/// Both HTTP interfaces, told apart by path: for a listener that serves the whole name. Wants a [`muster_x509::Peer`] in the
/// request's extensions.
pub fn router(dps: std::sync::Arc<Dps>) -> axum::Router {
    axum::Router::new().fallback(api::handle_any).with_state(dps)
}
