//! When a list is fetched again.

use jiff::{SignedDuration, Timestamp};
use muster_x509::Crl;

/// Authorities publish at once when something is revoked, whatever the list says about the next one; an hour is how long a
/// device with a stolen key may go on unless its operator looks more often.
const PAUSE_MAX: SignedDuration = SignedDuration::from_hours(1);
const PAUSE_MIN: SignedDuration = SignedDuration::from_mins(1);
/// From failure to failure the pause doubles, from one minute to an hour.
const DOUBLINGS_MAX: u32 = 6;

/// Lists that live for minutes are fetched at half of what is left of them.
pub(super) fn after_success(list: &Crl, now: Timestamp) -> Timestamp {
    let left = list.next_update().duration_since(now) / 2;
    later(now, left.clamp(PAUSE_MIN, PAUSE_MAX))
}

/// `failures`: in a row, this one included.
pub(super) fn after_failure(failures: i64, now: Timestamp) -> Timestamp {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(0).min(DOUBLINGS_MAX);
    let pause = PAUSE_MIN.checked_mul(1 << doublings).unwrap_or(PAUSE_MAX);
    later(now, pause.min(PAUSE_MAX))
}

fn later(now: Timestamp, pause: SignedDuration) -> Timestamp {
    now.saturating_add(pause).unwrap_or(Timestamp::MAX)
}
