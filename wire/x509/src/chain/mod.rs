//! Whether a presented chain leads to an authority that is trusted.
//!
//! rustls-webpki builds and checks the path; its blind spots (what an anchor certificate says about itself, key usage,
//! criticality, revocation by the anchor) are covered by `strict`, `names` and `revocation`, and its terse refusals are told
//! properly by `explain`.

mod candidates;
mod error;
mod explain;
mod path;
mod revocation;
mod rfc5280;
mod strict;
mod validation;

use jiff::Timestamp;

use crate::Certificate;

pub use error::{ChainError, NotAnAuthority, Place};
pub use revocation::{Missing, Revocation};
pub use validation::{Rules, Usage, Validation};

/// Certificates above the leaf, the anchor included. Factories have two or three; webpki itself stops near here, after
/// 100 signature checks at most, so a hostile chain costs a few milliseconds.
pub const PATH_DEPTH_MAX: usize = 6;
/// What a client may present: the longest path, and a cross certificate or two for a rollover.
pub const PRESENTED_MAX: usize = 10;

/// Whether `chain` (leaf first, the rest in any order) leads to `anchor` at `now`, for a TLS client.
///
/// Certificates that the path does not need are ignored, also when they are expired or strange.
pub fn verify(chain: &[Certificate], anchor: &Certificate, now: Timestamp) -> Result<(), ChainError> {
    Validation::of_clients(std::slice::from_ref(anchor), now).path(chain).map(|_| ())
}

/// Whether a certificate could anchor the chains of TLS clients, apart from its dates: to be told when it is configured, not
/// at every device.
pub fn fit_to_anchor(authority: &Certificate) -> Result<(), ChainError> {
    let no_matter_when = Timestamp::UNIX_EPOCH;
    strict::authority(authority, Place::Anchor, &Validation::of_clients(&[], no_matter_when))
}

#[cfg(test)]
mod tests;
