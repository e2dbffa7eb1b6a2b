//! Which authorities run out soon. Pure.

use jiff::{SignedDuration, Timestamp};

use super::{Authority, AuthorityId, State};

/// Days left: a root must reach every client, an intermediate only its issuer.
const ROOT: [(i64, Urgency); 3] = [(182, Urgency::Critical), (365, Urgency::Warning), (730, Urgency::Notice)];
const INTERMEDIATE: [(i64, Urgency); 3] =
    [(30, Urgency::Critical), (60, Urgency::Warning), (180, Urgency::Notice)];

/// How much time is left, by thresholds that differ for roots and intermediates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    Notice,
    Warning,
    Critical,
    Expired,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiryWarning {
    pub authority: AuthorityId,
    pub urgency: Urgency,
    pub not_after: Timestamp,
    /// Whole days; negative when it is over.
    pub days_left: i64,
}

/// None when there is time enough, or nobody relies on it any more.
pub(super) fn warning(authority: &Authority, now: Timestamp) -> Option<ExpiryWarning> {
    match authority.state {
        State::Active | State::Retiring | State::CrlOnly => {}
        State::Pending | State::Revoked => return None,
    }
    let not_after = authority.certificate.as_ref()?.not_after();
    let left = not_after.duration_since(now);
    let thresholds = if authority.parent.is_none() { ROOT } else { INTERMEDIATE };
    let urgency = if left.is_negative() {
        Urgency::Expired
    } else {
        thresholds.into_iter().find(|(days, _)| left < SignedDuration::from_hours(24 * days))?.1
    };
    let days_left = left.as_hours().div_euclid(24);
    Some(ExpiryWarning { authority: authority.id.clone(), urgency, not_after, days_left })
}
