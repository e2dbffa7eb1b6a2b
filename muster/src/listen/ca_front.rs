//! The certificate authority at the door: who may ask for what below `/ca`, by a token that a policy of its own signed.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::{Request, StatusCode, header, request};
use jiff::{SignedDuration, Timestamp};

use muster_ca::api::{self, shapes};
use muster_ca::{Action, Ca, Caller, Credential, Decision, Entry};
use muster_identity::{AccessPolicy, Denied, Entropy, HostName, Right, authorize};
use muster_sas::Token;

use super::front::now;
use super::http::Room;

const BULK: &str = "/ca/bulk";
const EST: &str = "/.well-known/est";
/// Tokens come with every request; that a policy is in use is written down so often.
const SIGN_IN_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Policies times addresses that are remembered to be signed in; beyond, they are written down again.
const SIGN_INS_MAX: usize = 1024;

pub(crate) struct CaFront {
    ca: Arc<Ca>,
    /// The name that tokens are for.
    host: HostName,
    policies: Vec<AccessPolicy>,
    sign_ins: Mutex<SignIns>,
    pub(super) api: Router,
    pub(super) est: Router,
    pub(super) public: Router,
}

/// Who was let in when, to be told once in a while.
#[derive(Default)]
struct SignIns(HashMap<(String, IpAddr), Timestamp>);

/// Why a request is not let in. A stranger is told no more than that.
enum Refused {
    Token(String),
    Right(Denied),
    /// What cannot be recorded is not allowed.
    Unrecorded,
}

impl CaFront {
    pub(crate) fn new(ca: Arc<Ca>, host: HostName, policies: Vec<AccessPolicy>) -> Self {
        let api = api::router(ca.clone(), Arc::new(now));
        let public = muster_ca::public_router(ca.clone(), Arc::new(now));
        let est = muster_ca::est_router(ca.clone(), Arc::new(now));
        Self { ca, host, policies, sign_ins: Mutex::default(), api, est, public }
    }

    /// Who asks, if the token is good for it. Either way the audit log says so.
    pub(super) async fn admit<B>(
        &self,
        request: &Request<B>,
        from: SocketAddr,
        entropy: &Entropy,
        now: Timestamp,
    ) -> Result<Caller, Response> {
        let refused = match self.judge(request, from, now) {
            Ok(caller) => match self.sign_in(&caller, from, now).await {
                Ok(()) => return Ok(caller),
                Err(refused) => refused,
            },
            Err(refused) => {
                let (caller, refused) = *refused;
                let entry =
                    Entry::new(&caller, Action::SignIn, "/ca", Decision::Refused).because(refused.reason());
                if let Err(error) = self.ca.audit(entry, now).await {
                    tracing::error!(%error, "a refusal is not recorded");
                }
                refused
            }
        };
        let mut tracking = [0; 16];
        entropy(&mut tracking);
        let tracking = hex::encode(tracking);
        tracing::info!(tracking, %from, reason = refused.reason(), "a call to the authority was refused");
        Err(refused.answer(tracking))
    }

    fn judge<B>(
        &self,
        request: &Request<B>,
        from: SocketAddr,
        now: Timestamp,
    ) -> Result<Caller, Box<(Caller, Refused)>> {
        let caller = |policy: &str| Caller {
            name: policy.to_owned(),
            credential: Credential::AccessPolicy(policy.to_owned()),
            from: Some(from),
        };
        let refused = |policy: &str, why: String| Box::new((caller(policy), Refused::Token(why)));
        let Some(header) = request.headers().get(header::AUTHORIZATION) else {
            return Err(refused("", "there is no `Authorization` header".to_owned()));
        };
        let text = header.to_str().map_err(|_| refused("", "the token is not ASCII".to_owned()))?;
        let token = Token::parse(text).map_err(|error| refused("", error.to_string()))?;
        let path = request.uri().path();
        let resource = format!("{}{path}", self.host);
        let needs = match api::right(request.method(), path) {
            api::Right::Read => Right::CaRead,
            api::Right::Request => Right::CaRequest,
            api::Right::Configure => Right::CaConfigure,
            api::Right::Revoke => Right::CaRevoke,
        };
        match authorize(&self.policies, &token, &resource, needs, now) {
            Ok(policy) => Ok(caller(&policy.name)),
            Err(denied) => {
                let claimed = caller(token.policy.as_deref().unwrap_or_default());
                let refused = match denied {
                    denied @ Denied::Right { .. } => Refused::Right(denied),
                    other => Refused::Token(other.to_string()),
                };
                Err(Box::new((claimed, refused)))
            }
        }
    }

    /// Written down for the first time, and again when that is long ago.
    async fn sign_in(&self, caller: &Caller, from: SocketAddr, now: Timestamp) -> Result<(), Refused> {
        if !self.sign_ins.lock().unwrap_or_else(PoisonError::into_inner).is_due(&caller.name, from.ip(), now)
        {
            return Ok(());
        }
        let because = format!("from {}", from.ip());
        let entry = Entry::new(caller, Action::SignIn, "/ca", Decision::Allowed).because(because);
        self.ca.audit(entry, now).await.map_err(|error| {
            tracing::error!(%error, "a sign-in is not recorded");
            self.sign_ins.lock().unwrap_or_else(PoisonError::into_inner).forget(&caller.name, from.ip());
            Refused::Unrecorded
        })
    }
}

impl SignIns {
    fn is_due(&mut self, policy: &str, from: IpAddr, now: Timestamp) -> bool {
        let recent = |at: Timestamp| at <= now && now.duration_since(at) < SIGN_IN_EVERY;
        let key = (policy.to_owned(), from);
        if self.0.get(&key).is_some_and(|at| recent(*at)) {
            return false;
        }
        if self.0.len() >= SIGN_INS_MAX {
            self.0.retain(|_, at| recent(*at));
        }
        if self.0.len() >= SIGN_INS_MAX {
            self.0.clear();
        }
        self.0.insert(key, now);
        true
    }

    fn forget(&mut self, policy: &str, from: IpAddr) {
        self.0.remove(&(policy.to_owned(), from));
    }
}

impl Refused {
    fn reason(&self) -> String {
        match self {
            Self::Token(why) => why.clone(),
            Self::Right(denied) => denied.to_string(),
            Self::Unrecorded => "it cannot be recorded".to_owned(),
        }
    }

    /// In the shape of the authority's own refusals.
    fn answer(self, tracking: String) -> Response {
        let (status, error_code, message) = match self {
            Self::Token(_) => (
                StatusCode::UNAUTHORIZED,
                "Unauthorized",
                "the token is missing, expired, or not signed with the key of a policy: make one with \
                 `ca.serviceConnectionString` of endpoints.json"
                    .to_owned(),
            ),
            Self::Right(denied) => (StatusCode::FORBIDDEN, "Forbidden", denied.to_string()),
            Self::Unrecorded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Unavailable",
                "it cannot be recorded who asks: try again in a moment".to_owned(),
            ),
        };
        let shape = shapes::Error { error_code, message, tracking_id: Some(tracking) };
        let mut response = (status, axum::Json(shape)).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = header::HeaderValue::from_static("SharedAccessSignature");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        response
    }
}

/// On the host of the provisioning service, what is the authority's.
pub(super) fn room_of(path: &str) -> Option<Room> {
    let below =
        |start: &str| path.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match path {
        _ if below("/ca") => Some(Room::Ca),
        _ if below(EST) => Some(Room::Est),
        _ => None,
    }
}

/// Requests without end, answered line by line.
pub(super) fn is_bulk(head: &request::Parts) -> bool {
    head.uri.path().trim_end_matches('/') == BULK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_due_once_an_hour_for_each_policy_and_address() {
        let mut sign_ins = SignIns::default();
        let start: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        let (one, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        assert!(sign_ins.is_due("caowner", one, start));
        assert!(!sign_ins.is_due("caowner", one, start + SignedDuration::from_mins(59)));
        assert!(sign_ins.is_due("caowner", other, start));
        assert!(sign_ins.is_due("factory", one, start));
        assert!(sign_ins.is_due("caowner", one, start + SIGN_IN_EVERY));
    }

    #[test]
    fn what_is_remembered_of_sign_ins_has_a_bound() {
        let mut sign_ins = SignIns::default();
        let start: Timestamp = "2026-11-21T00:00:00Z".parse().unwrap();
        for n in 0..u32::try_from(SIGN_INS_MAX).unwrap() + 10 {
            assert!(sign_ins.is_due("caowner", IpAddr::V4(n.into()), start));
        }
        assert!(sign_ins.0.len() <= SIGN_INS_MAX);
    }

    #[test]
    fn only_whole_segments_lead_to_the_authority() {
        for path in ["/ca", "/ca/sign"] {
            assert!(matches!(room_of(path), Some(Room::Ca)), "{path}");
        }
        for path in ["/.well-known/est/cacerts", "/.well-known/est/lab1/simpleenroll"] {
            assert!(matches!(room_of(path), Some(Room::Est)), "{path}");
        }
        for path in ["/", "/cars", "/enrollments/ca", "/.well-known/estate"] {
            assert!(room_of(path).is_none(), "{path}");
        }
    }
}
