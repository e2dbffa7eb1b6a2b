//! Who may use the service API: a token signed by a policy that has the right (dps.md §7.1).

use http::header;
use muster_ca::{Caller, Credential};
use muster_identity::{Denied, Right};
use muster_sas::Token;
use muster_x509::Peer;

use super::{call::Call, status::ApiError};
use crate::{Dps, TrackingId};

/// A call that is not let in.
#[derive(Debug)]
pub(super) struct NotAdmitted {
    /// Whom the token names, if there is one; nobody has proved it.
    pub(super) claimed: Caller,
    pub(super) error: ApiError,
    pub(super) why: String,
}

/// Who asks. Strangers learn nothing; the reason is in the log under the tracking id. Who holds a policy is told which right it
/// lacks.
pub(super) fn authorize(
    dps: &Dps,
    call: &Call,
    needs: Right,
    peer: &Peer,
    tracking: TrackingId,
) -> Result<Caller, Box<NotAdmitted>> {
    let caller = |policy: &str| Caller {
        name: policy.to_owned(),
        credential: Credential::AccessPolicy(policy.to_owned()),
        from: Some(peer.address),
    };
    let refused = |claimed: &str, error: ApiError, why: String| {
        tracing::info!(%tracking, why, "a service call was refused");
        Box::new(NotAdmitted { claimed: caller(claimed), error, why })
    };
    let Some(text) = call.header(header::AUTHORIZATION.as_str()) else {
        let why = "there is no `Authorization` header".to_owned();
        return Err(refused("", ApiError::Unauthorized, why));
    };
    let token = Token::parse(text).map_err(|error| refused("", ApiError::Unauthorized, error.to_string()))?;
    let resource = format!("{}/{}", dps.settings().host, call.segments.join("/"));
    match muster_identity::authorize(&dps.settings().policies, &token, &resource, needs, peer.at) {
        Ok(policy) => Ok(caller(&policy.name)),
        Err(denied) => {
            let (claimed, why) = (token.policy.as_deref().unwrap_or_default(), denied.to_string());
            let error = match denied {
                denied @ Denied::Right { .. } => ApiError::Forbidden(denied),
                _ => ApiError::Unauthorized,
            };
            Err(refused(claimed, error, why))
        }
    }
}
