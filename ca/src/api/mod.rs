//! The REST API of the authority: JSON over HTTPS, below `/ca`.
//!
//! | | |
//! |---|---|
//! | `POST /ca/sign` | a certificate for a certification request ([`shapes::Sign`] → [`shapes::Certificate`]) |
//! | `POST /ca/renew` | another one for the identity of one that is there ([`shapes::Renew`] → [`shapes::Certificate`]) |
//! | `POST /ca/bulk` | many, one a line, answered line by line ([`shapes::BulkLine`] → [`shapes::BulkAnswer`]) |
//! | `GET /ca/certificates`, `…/{serial}` | what was issued ([`shapes::Listed`]), filtered, page by page |
//! | `POST /ca/revoke` | a certificate, all of a holder, an authority ([`shapes::Revoke`] → [`shapes::Revoked`]) |
//! | `GET /ca/revocations/{serial}` | whether a certificate is revoked ([`shapes::Status`]) |
//! | `GET /ca/crls` | the revocation lists as they are published ([`shapes::Crl`]) |
//! | `GET /ca/bars`, `GET DELETE …/{holder}` | who gets nothing more ([`shapes::Bar`]), and letting it in again |
//! | `GET /ca/tree`, `GET /ca/authorities`, `…/{id}` | the hierarchy ([`shapes::Node`], [`shapes::Authority`]) |
//! | `PUT /ca/authorities/{id}` | a root, or an authority below one of ours ([`shapes::NewAuthority`]) |
//! | `POST GET …/{id}/request`, `POST …/{id}/activate` | one that is signed elsewhere ([`shapes::AuthorityRequest`], [`shapes::Chain`]) |
//! | `POST …/{id}/import` | a root of somebody else ([`shapes::Chain`]) |
//! | `POST …/{id}/renew`, `…/retire`, `…/reactivate`, `…/crl-only` | the life of an authority |
//! | `GET /ca/audit`, `…/export`, `…/verify` | every decision ([`shapes::AuditPage`]); a file; [`shapes::Verifying`], line by line |
//! | `GET /ca/checkpoint`, `/ca/proofs/{serial or SHA-256}`, `/ca/consistency` | proofs ([`shapes::Checkpoint`], C2SP tlog-proof, [`shapes::Consistency`]) |
//! | `GET /ca/profiles`, `GET PUT DELETE …/{name}` | profiles and their versions ([`shapes::Profile`]; written as TOML) |
//! | `GET /ca/grants`, `PUT DELETE …/{id}` | who may ask for what ([`crate::Grant`]) |
//! | `GET /ca/est/labels`, `GET PUT DELETE …/{name}` | what EST gives at which path ([`crate::EstLabel`]) |
//! | `GET POST /ca/est/credentials`, `DELETE …/{user}` | who may ask there ([`shapes::NewEstCredential`] → [`shapes::EstCredential`]) |
//! | `GET /ca/est/requests`, `POST …/{id}/approve`, `…/deny` | what waits for somebody to look ([`shapes::EstRequest`]) |
//! | `PUT DELETE /ca/blocked-keys/{sha256}` | keys that get no certificate ([`shapes::Block`]) |
//!
//! A refusal is `{"errorCode", "message", "trackingId"}` with the status that fits ([`shapes::Error`]); `Retry-After` stands
//! where waiting helps. `Idempotency-Key` makes asking again safe: the same caller gets the same certificate for it.
//!
//! Whoever mounts this has checked who asks, by [`right`], and put a [`crate::Caller`] into the request's extensions.

mod answer;
mod audit;
mod authorities;
mod bars;
mod blocked_keys;
mod bring;
mod bulk;
mod certificates;
mod crls;
mod est;
mod est_requests;
mod grants;
mod issue;
mod lines;
mod profiles;
mod proofs;
mod read;
mod revocations;
pub mod shapes;
mod status;

use std::sync::Arc;

use axum::{
    Router,
    http::Method,
    routing::{delete, get, post, put},
};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::Ca;

use status::ApiError;

pub(crate) use status::{retry_issue_after_s, status_of_issue, status_of_renew};

/// A stream of requests goes on for minutes: each is answered at its own time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Exports and verifications read all there is: more at once would only take the disk from those who issue.
const WALKS_AT_ONCE: usize = 2;

#[derive(Clone)]
struct Api {
    ca: Arc<Ca>,
    clock: Clock,
    walks: Arc<Semaphore>,
}

/// What whoever asks must be trusted with. Asking for certificates takes a grant besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    Read,
    Request,
    /// Authorities, profiles, grants, blocked keys: what others may ask for.
    Configure,
    /// Taking back what was issued, and letting a holder in again.
    Revoke,
}

/// What a request needs, by its method and path.
pub fn right(method: &Method, path: &str) -> Right {
    let path = path.trim_end_matches('/');
    match *method {
        Method::GET | Method::HEAD => Right::Read,
        Method::POST if ["/ca/sign", "/ca/renew", "/ca/bulk"].contains(&path) => Right::Request,
        Method::POST if path == "/ca/revoke" => Right::Revoke,
        Method::DELETE if path.starts_with("/ca/bars/") => Right::Revoke,
        _ => Right::Configure,
    }
}

/// All routes.
pub fn router(ca: Arc<Ca>, clock: Clock) -> Router {
    Router::new()
        .route("/ca/sign", post(issue::sign))
        .route("/ca/renew", post(issue::renew))
        .route("/ca/bulk", post(bulk::bulk))
        .route("/ca/certificates", get(certificates::list))
        .route("/ca/certificates/{serial}", get(certificates::one))
        .route("/ca/revoke", post(revocations::revoke))
        .route("/ca/revocations/{serial}", get(revocations::one))
        .route("/ca/crls", get(crls::list))
        .route("/ca/bars", get(bars::list))
        .route("/ca/bars/{holder}", get(bars::one).delete(bars::delete))
        .route("/ca/tree", get(authorities::tree))
        .route("/ca/authorities", get(authorities::list))
        .route("/ca/authorities/{id}", get(authorities::one).put(authorities::create))
        .route("/ca/authorities/{id}/request", get(bring::requested).post(bring::request))
        .route("/ca/authorities/{id}/activate", post(bring::activate))
        .route("/ca/authorities/{id}/import", post(bring::import))
        .route("/ca/authorities/{id}/renew", post(authorities::renew))
        .route("/ca/authorities/{id}/retire", post(authorities::retire))
        .route("/ca/authorities/{id}/reactivate", post(authorities::reactivate))
        .route("/ca/authorities/{id}/crl-only", post(authorities::crl_only))
        .route("/ca/audit", get(audit::page))
        .route("/ca/audit/export", get(audit::export))
        .route("/ca/audit/verify", get(audit::verify))
        .route("/ca/checkpoint", get(proofs::checkpoint))
        .route("/ca/proofs/{wanted}", get(proofs::inclusion))
        .route("/ca/consistency", get(proofs::consistency))
        .route("/ca/profiles", get(profiles::list))
        .route("/ca/profiles/{name}", get(profiles::one).put(profiles::put).delete(profiles::retire))
        .route("/ca/grants", get(grants::list))
        .route("/ca/grants/{id}", put(grants::put).delete(grants::delete))
        .route("/ca/est/labels", get(est::labels))
        .route("/ca/est/labels/{name}", get(est::label).put(est::put_label).delete(est::delete_label))
        .route("/ca/est/requests", get(est_requests::list))
        .route("/ca/est/requests/{id}/approve", post(est_requests::approve))
        .route("/ca/est/requests/{id}/deny", post(est_requests::deny))
        .route("/ca/est/credentials", get(est::credentials).post(est::new_credential))
        .route("/ca/est/credentials/{user}", delete(est::delete_credential))
        .route("/ca/blocked-keys/{sha256}", put(blocked_keys::put).delete(blocked_keys::delete))
        .fallback(nowhere)
        .method_not_allowed_fallback(no_method)
        .with_state(Api { ca, clock, walks: Arc::new(Semaphore::new(WALKS_AT_ONCE)) })
}

async fn nowhere(asked: read::Asked) -> axum::response::Response {
    asked.refuse(ApiError::Path)
}

async fn no_method(asked: read::Asked) -> axum::response::Response {
    asked.refuse(ApiError::Method)
}

#[cfg(test)]
mod tests;
