//! CRLs: for each authority as many as it has shards, signed anew when something in one is revoked, and in time in any case.
//!
//! Revoking writes one row and leaves a mark here; a worker makes the marked shards anew at once, and again for all that
//! came meanwhile. A CRL has its number on record before it is signed, and is on record itself before anybody sees it.
//! Only its signature is kept: all else follows from what is revoked, and so a restart serves the same bytes.

mod list;
mod listed;
mod marks;
mod reading;
mod refusal;
mod scope;
mod service;
mod sql;
mod worker;

use jiff::{SignedDuration, Timestamp};

use crate::hierarchy::{Authority, AuthorityId, State};

pub use refusal::PublishError;
pub(crate) use service::Crls;

/// What clients that cannot reach us for days still take.
const LIFE: SignedDuration = SignedDuration::from_hours(24 * 7);
/// A CRL that is older is made anew, though nothing in it changes.
const REFRESH_AFTER: SignedDuration = SignedDuration::from_hours(12 * 7);
/// A CRL that is older, and there is no newer one, is an emergency: 80 % of its life.
const ALARM_AFTER: SignedDuration = SignedDuration::from_mins(8 * 7 * 24 * 6);
/// An entry stays in at least one CRL that was due after its certificate ended (RFC 5280 section 3.3).
const KEPT_AFTER_END: SignedDuration = LIFE;

/// An authority moves once in years. Those who try things out move at every start, and have nothing that lasts.
const PLACES_MAX: usize = 8;

/// A CRL as it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlFacts {
    pub authority: AuthorityId,
    pub shard: u16,
    pub number: u64,
    pub this_update: Timestamp,
    pub next_update: Timestamp,
    pub bytes: usize,
    /// How many certificates are on it.
    pub entries: usize,
}

/// Whether it says what of its own is revoked. Also who is revoked itself: what it issued is not forgotten with it
/// (RFC 5280 section 3.3 knows no end but that of the certificates).
fn publishes(authority: &Authority) -> bool {
    let signs = authority.key.is_some() && authority.certificate.is_some();
    signs
        && match authority.state {
            State::Active | State::Retiring | State::CrlOnly | State::Revoked => true,
            State::Pending => false,
        }
}

#[cfg(test)]
mod tests;
