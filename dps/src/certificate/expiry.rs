//! Certificates that will end soon: said while there is time to replace them.

use jiff::{SignedDuration, Timestamp};
use muster_x509::Certificate;

/// Days before the end at which it is said again: a successor for an authority takes weeks, a forgotten one a day.
const DAYS: [i64; 5] = [90, 30, 14, 7, 1];

/// How near the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiring {
    Within { days: i64 },
    Expired,
}

pub(crate) fn expiring(certificate: &Certificate, now: Timestamp) -> Option<Expiring> {
    let left = certificate.not_after().duration_since(now);
    if left.is_negative() {
        return Some(Expiring::Expired);
    }
    let passed = DAYS.into_iter().rev().find(|days| left <= SignedDuration::from_hours(days * 24));
    passed.map(|days| Expiring::Within { days })
}

pub(crate) fn warning(certificate: &Certificate, now: Timestamp) -> Option<String> {
    let at = certificate.not_after();
    expiring(certificate, now).map(|expiring| match expiring {
        Expiring::Expired => format!("expired at {at}: chains do not lead to it any more"),
        Expiring::Within { .. } => {
            let days = at.duration_since(now).as_hours() / 24;
            format!("expires in {days} days, at {at}: add its successor as secondary in time")
        }
    })
}
