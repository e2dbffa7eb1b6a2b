//! The service API: enrollments, registrations, certificates, traces (dps.md §7).

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
};
use http::Method;
use jiff::Timestamp;
use muster_ca::{Caller, Decision};
use muster_identity::Right;
use muster_x509::Peer;

use crate::{Dps, EnrollmentKind, TrackingId, audited, protocol::http as device};

mod auth;
mod bulk;
mod call;
mod certificates;
mod enrollments;
mod explain;
mod query;
mod registrations;
mod status;
mod traces;

use call::{Call, Reply};
use status::ApiError;

/// First segments of this API; any other first segment is an id scope.
pub(crate) const ROOTS: [&str; 6] =
    ["enrollments", "enrollmentgroups", "registrations", "certificates", "traces", "explain"];

/// Wants a [`muster_x509::Peer`] in the request's extensions. To serve the device API under the same name, use
/// [`crate::router`].
pub fn router(dps: Arc<Dps>) -> Router {
    Router::new().fallback(handle).with_state(dps)
}

pub(crate) async fn handle_any(state: State<Arc<Dps>>, request: Request) -> Response {
    if device::is_device_path(request.uri().path()) {
        device::handle(state, request).await
    } else {
        handle(state, request).await
    }
}

async fn handle(State(dps): State<Arc<Dps>>, request: Request) -> Response {
    let tracking = TrackingId::random(&*dps.entropy);
    let peer = request.extensions().get::<Peer>().cloned();
    let now = peer.as_ref().map_or(Timestamp::UNIX_EPOCH, |peer| peer.at);
    let outcome = match (peer, Call::read(request)) {
        (None, _) => Err(ApiError::NoPeer),
        (Some(_), Err(error)) => Err(error),
        (Some(peer), Ok(call)) => Box::pin(serve(&dps, call, &peer, tracking)).await,
    };
    outcome.unwrap_or_else(|error| status::reply(&error, tracking, now)).into_response(tracking)
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Query(EnrollmentKind),
    Bulk(EnrollmentKind),
    Mechanism(EnrollmentKind),
    GetEnrollment(EnrollmentKind),
    PutEnrollment(EnrollmentKind),
    DeleteEnrollment(EnrollmentKind),
    QueryRegistrations,
    GetRegistration,
    DeleteRegistration,
    ListCertificates,
    GetCertificate,
    PutCertificate,
    NewVerificationCode,
    VerifyCertificate,
    RefreshCrls,
    DeleteCertificate,
    ListTraces,
    GetTrace,
    Explain,
}

async fn serve(dps: &Arc<Dps>, call: Call, peer: &Peer, tracking: TrackingId) -> Result<Reply, ApiError> {
    let verb = verb(&call)?;
    let audited = verb.changes_trust().then(|| call.name().unwrap_or_default().to_owned());
    let (by, why, outcome) = match auth::authorize(dps, &call, verb.needs(), peer, tracking) {
        Ok(by) => {
            let outcome = Box::pin(answer(dps, verb, call, &by, peer.at)).await;
            let why = outcome.as_ref().err().map(ToString::to_string);
            (by, why, outcome)
        }
        Err(refused) => {
            let auth::NotAdmitted { claimed, error, why } = *refused;
            (claimed, Some(why), Err(error))
        }
    };
    if let (Some(name), Some(why), Err(error)) = (audited, why, &outcome)
        && status::is_decision(error)
    {
        let entry = audited::of_certificate(&by, &name, Decision::Refused).because(why);
        dps.audit_refusal(entry, peer.at).await;
    }
    outcome
}

async fn answer(
    dps: &Arc<Dps>,
    verb: Verb,
    call: Call,
    by: &Caller,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    match verb {
        Verb::Query(kind) => enrollments::query(dps, kind, call).await,
        Verb::Bulk(kind) => bulk::bulk(dps, kind, call, by, now).await,
        Verb::Mechanism(kind) => enrollments::mechanism(dps, kind, call).await,
        Verb::GetEnrollment(kind) => enrollments::get(dps, kind, call).await,
        Verb::PutEnrollment(kind) => enrollments::put(dps, kind, call, by, now).await,
        Verb::DeleteEnrollment(kind) => enrollments::delete(dps, kind, call, by, now).await,
        Verb::QueryRegistrations => registrations::query(dps, call).await,
        Verb::GetRegistration => registrations::get(dps, call).await,
        Verb::DeleteRegistration => registrations::delete(dps, call).await,
        Verb::ListCertificates => certificates::list(dps, now).await,
        Verb::GetCertificate => certificates::get(dps, call, now).await,
        Verb::PutCertificate => certificates::put(dps, call, by, now).await,
        Verb::NewVerificationCode => certificates::new_code(dps, call, by, now).await,
        Verb::VerifyCertificate => certificates::verify(dps, call, by, now).await,
        Verb::RefreshCrls => certificates::refresh_crls(dps, call, now).await,
        Verb::DeleteCertificate => certificates::delete(dps, call, by, now).await,
        Verb::ListTraces => traces::list(dps, call).await,
        Verb::GetTrace => traces::get(dps, call).await,
        Verb::Explain => explain::explain(dps, call, now).await,
    }
}

/// Paths are matched without regard to case, and with or without a slash at the end: SDKs differ (dps.md §7.2).
fn verb(call: &Call) -> Result<Verb, ApiError> {
    let segments: Vec<_> = call.segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let segments: Vec<_> = segments.iter().map(String::as_str).collect();
    let kind = match segments.first() {
        Some(&"enrollmentgroups") => EnrollmentKind::Group,
        _ => EnrollmentKind::Individual,
    };
    match (&call.method, segments.as_slice()) {
        (&Method::POST, ["enrollments" | "enrollmentgroups", "query"]) => Ok(Verb::Query(kind)),
        (&Method::POST, ["enrollments" | "enrollmentgroups"]) => Ok(Verb::Bulk(kind)),
        (&Method::POST, ["enrollments" | "enrollmentgroups", _, "attestationmechanism"]) => {
            Ok(Verb::Mechanism(kind))
        }
        (&Method::GET, ["enrollments" | "enrollmentgroups", _]) => Ok(Verb::GetEnrollment(kind)),
        (&Method::PUT, ["enrollments" | "enrollmentgroups", _]) => Ok(Verb::PutEnrollment(kind)),
        (&Method::DELETE, ["enrollments" | "enrollmentgroups", _]) => Ok(Verb::DeleteEnrollment(kind)),
        (&Method::POST, ["registrations", _, "query"]) => Ok(Verb::QueryRegistrations),
        (&Method::GET, ["registrations", _]) => Ok(Verb::GetRegistration),
        (&Method::DELETE, ["registrations", _]) => Ok(Verb::DeleteRegistration),
        (&Method::GET, ["certificates"]) => Ok(Verb::ListCertificates),
        (&Method::GET, ["certificates", _]) => Ok(Verb::GetCertificate),
        (&Method::PUT, ["certificates", _]) => Ok(Verb::PutCertificate),
        (&Method::POST, ["certificates", _, "generateverificationcode"]) => Ok(Verb::NewVerificationCode),
        (&Method::POST, ["certificates", _, "verify"]) => Ok(Verb::VerifyCertificate),
        (&Method::POST, ["certificates", _, "refreshcrls"]) => Ok(Verb::RefreshCrls),
        (&Method::DELETE, ["certificates", _]) => Ok(Verb::DeleteCertificate),
        (&Method::GET, ["traces"]) => Ok(Verb::ListTraces),
        (&Method::GET, ["traces", _]) => Ok(Verb::GetTrace),
        (&Method::POST, ["explain"]) => Ok(Verb::Explain),
        (_, [root] | [root, _]) if ROOTS.contains(root) => Err(ApiError::Method),
        _ => Err(ApiError::Path),
    }
}

impl Verb {
    /// Whether what other authorities are trusted for may be another thing afterwards: refusals of that are on record.
    fn changes_trust(self) -> bool {
        match self {
            Self::PutCertificate
            | Self::NewVerificationCode
            | Self::VerifyCertificate
            | Self::DeleteCertificate => true,
            Self::Query(_)
            | Self::Bulk(_)
            | Self::Mechanism(_)
            | Self::GetEnrollment(_)
            | Self::PutEnrollment(_)
            | Self::DeleteEnrollment(_)
            | Self::QueryRegistrations
            | Self::GetRegistration
            | Self::DeleteRegistration
            | Self::ListCertificates
            | Self::GetCertificate
            | Self::RefreshCrls
            | Self::ListTraces
            | Self::GetTrace
            | Self::Explain => false,
        }
    }

    fn needs(self) -> Right {
        match self {
            Self::Query(_) | Self::GetEnrollment(_) | Self::ListCertificates | Self::GetCertificate => {
                Right::EnrollmentRead
            }
            // Keys are for those who may change them (dps.md §7.1).
            Self::Mechanism(_) | Self::Bulk(_) | Self::PutEnrollment(_) | Self::DeleteEnrollment(_) => {
                Right::EnrollmentWrite
            }
            Self::Explain => Right::EnrollmentRead,
            Self::QueryRegistrations | Self::GetRegistration | Self::ListTraces | Self::GetTrace => {
                Right::RegistrationStatusRead
            }
            Self::DeleteRegistration => Right::RegistrationStatusWrite,
            // What a stored certificate vouches for is everybody's configuration, not one enrollment's.
            Self::PutCertificate
            | Self::NewVerificationCode
            | Self::VerifyCertificate
            | Self::RefreshCrls
            | Self::DeleteCertificate => Right::ServiceConfig,
        }
    }
}
