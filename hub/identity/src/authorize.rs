//! Whether a token signed by a policy's key opens a resource.

use jiff::Timestamp;
use muster_sas::{Token, resource_covers};

use crate::{AccessPolicy, Right, Rights};

/// Why not, for the operator's eyes: a stranger is told no more than that it was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("the token names no policy, sign with a policy's key and put its name into `skn`")]
    NoPolicy,
    #[error("there is no policy `{policy}`, use one of {known}")]
    UnknownPolicy { policy: String, known: String },
    #[error(
        "the token is signed by neither key of policy `{policy}`, check the key and that `sr` is signed as it is sent"
    )]
    Signature { policy: String },
    #[error("the token expired at {} (`se` {expires_s}) and it is {now}, make a new one or set the clock", instant(*expires_s))]
    Expired { expires_s: i64, now: Timestamp },
    #[error("the token opens `{granted}`, wanted was `{wanted}`")]
    Resource { granted: String, wanted: String },
    #[error("policy `{policy}` has not the right {wanted}, it has {granted}")]
    Right { policy: String, wanted: Right, granted: Rights },
}

/// The signature comes first: nothing a token says counts before it is known who says it.
pub fn authorize<'a>(
    policies: &'a [AccessPolicy],
    token: &Token,
    resource: &str,
    needs: Right,
    now: Timestamp,
) -> Result<&'a AccessPolicy, Denied> {
    let name = token.policy.as_deref().ok_or(Denied::NoPolicy)?;
    let policy = policies.iter().find(|policy| policy.name == name).ok_or_else(|| {
        let known = policies.iter().map(|policy| format!("`{}`", policy.name)).collect::<Vec<_>>().join(", ");
        Denied::UnknownPolicy { policy: name.to_owned(), known }
    })?;
    let name = || policy.name.clone();

    if !is_signed_by(policy, token) {
        return Err(Denied::Signature { policy: name() });
    }
    if token.is_expired(now.as_second()) {
        return Err(Denied::Expired { expires_s: token.expires_s, now });
    }
    if !resource_covers(&token.resource, resource) {
        return Err(Denied::Resource { granted: token.resource.clone(), wanted: resource.to_owned() });
    }
    if !policy.rights.allow(needs) {
        return Err(Denied::Right { policy: name(), wanted: needs, granted: policy.rights });
    }
    Ok(policy)
}

/// Both keys, so that one can be changed while the other is in use; and both readings of each, because Event Hubs clients take
/// the key's text for the key (hub-service.md §1.2).
fn is_signed_by(policy: &AccessPolicy, token: &Token) -> bool {
    let mut keys = std::iter::once(&policy.primary).chain(&policy.secondary);
    keys.any(|key| token.is_signed_by(key) || token.is_signed_by_text_of(key))
}

fn instant(expires_s: i64) -> String {
    Timestamp::from_second(expires_s)
        .map_or_else(|_| "an unknown instant".to_owned(), |instant| instant.to_string())
}
