//! Proof by a token signed with a key: an individual's own, or one derived from a group's (dps.md §1.2, §4.1).

use std::sync::Arc;

use muster_identity::RegistrationId;
use muster_sas::{Key, Token, resource_covers};

use crate::{
    enrollment::{Enrollment, Groups, Keys},
    trace::Steps,
};

use super::{Evidence, Rejected};

/// What clients name in `skn`, when they name anything (dps.md §1.2).
const POLICY: &str = "registration";

pub(crate) fn registration_resource(scope: &str, id: &RegistrationId) -> String {
    format!("{scope}/registrations/{id}")
}

/// Whether this key signed this token for this device, now.
pub(crate) fn is_authentic(evidence: Evidence<'_>, token: &Token, key: &Key) -> bool {
    token.is_signed_by(key) && claims(evidence, token).is_ok()
}

pub(super) fn individual(evidence: Evidence<'_>, keys: &Keys, steps: &mut Steps) -> Result<Keys, Rejected> {
    let token = evidence.token.ok_or_else(|| Rejected::TokenMissing { id: evidence.id.clone() })?;
    let which = if token.is_signed_by(&keys.primary) {
        "primary"
    } else if token.is_signed_by(&keys.secondary) {
        "secondary"
    } else {
        return Err(Rejected::TokenSignature { id: evidence.id.clone() });
    };
    steps.passed("signature", format_args!("the token is signed by the enrollment's {which} key"));
    claims(evidence, token)?;
    steps.passed("token", "it is for this device and has not expired");
    Ok(keys.clone())
}

/// The token does not name its group, so every group's keys are tried. The id is taken as presented, and in lower case as the
/// documents tell users to (dps.md §4.1).
pub(super) fn group<'g>(
    evidence: Evidence<'_>,
    token: &Token,
    groups: &'g Groups,
    previous_group: Option<&str>,
    steps: &mut Steps,
) -> Result<(&'g Arc<Enrollment>, Keys), Rejected> {
    claims(evidence, token)?; // before dozens of keys are derived for it
    let id = evidence.id.as_str();
    let folded = evidence.id.folded();
    let spellings = if folded == id { &[id][..] } else { &[id, folded.as_str()] };

    let mut tried = 0;
    for (group, keys) in groups.symmetric_first(previous_group) {
        tried += 1;
        for spelling in spellings {
            let derived =
                Keys { primary: keys.primary.derive(spelling), secondary: keys.secondary.derive(spelling) };
            let which = if token.is_signed_by(&derived.primary) {
                "primary"
            } else if token.is_signed_by(&derived.secondary) {
                "secondary"
            } else {
                continue;
            };
            steps.passed(
                "signature",
                format_args!(
                    "the token is signed by the key derived from group `{}`'s {which} key and `{spelling}`",
                    group.id()
                ),
            );
            return Ok((group, derived));
        }
    }
    Err(Rejected::NoGroupKey { id: evidence.id.clone(), groups: tried })
}

fn claims(evidence: Evidence<'_>, token: &Token) -> Result<(), Rejected> {
    let wanted = registration_resource(evidence.scope, evidence.id);
    if !resource_covers(&token.resource, &wanted) {
        return Err(Rejected::TokenResource { found: token.resource.clone(), wanted });
    }
    if let Some(policy) = token.policy.as_ref().filter(|policy| !policy.eq_ignore_ascii_case(POLICY)) {
        return Err(Rejected::TokenPolicy { policy: policy.clone() });
    }
    if token.is_expired(evidence.now.as_second()) {
        return Err(Rejected::TokenExpired { expires_s: token.expires_s, now_s: evidence.now.as_second() });
    }
    Ok(())
}
