//! Whether a presented chain leads to one given authority.
//!
//! rustls-webpki builds and checks the path; its blind spots (what an anchor certificate says about itself, key usage,
//! criticality) are covered by `strict`, and its terse refusals are told properly by `explain`.

mod error;
mod explain;
mod strict;

use std::{cell::RefCell, time::Duration};

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, VerifiedPath, anchor_from_trusted_cert};

use crate::Certificate;

pub use error::{ChainError, NotAnAuthority, Place};

/// Certificates above the leaf, the anchor included. Factories have two or three; webpki itself stops near here, after
/// 100 signature checks at most, so a hostile chain costs a few milliseconds.
pub const PATH_DEPTH_MAX: usize = 6;
/// What a client may present: the longest path, and a cross certificate or two for a rollover.
pub const PRESENTED_MAX: usize = 10;

/// Whether `chain` (leaf first, the rest in any order) leads to `anchor` at `now`, for a TLS client.
///
/// Certificates that the path does not need are ignored, also when they are expired or strange.
pub fn verify(chain: &[Certificate], anchor: &Certificate, now: Timestamp) -> Result<(), ChainError> {
    let (leaf, others) = chain.split_first().ok_or(ChainError::Empty)?;
    if chain.len() > PRESENTED_MAX {
        return Err(ChainError::TooMany { presented: chain.len() });
    }
    strict::dates(anchor, Place::Anchor, now)?;
    strict::authority(anchor, Place::Anchor)?;
    strict::leaf(leaf)?;
    strict::dates(leaf, Place::Leaf, now)?;

    let anchor_der = CertificateDer::from(anchor.der());
    let trusted = [anchor_from_trusted_cert(&anchor_der)
        .map_err(|error| explain::unsound(Place::Anchor, anchor, &error))?];
    let leaf_der = CertificateDer::from(leaf.der());
    let end_entity =
        EndEntityCert::try_from(&leaf_der).map_err(|error| explain::unsound(Place::Leaf, leaf, &error))?;
    let intermediates: Vec<_> = others.iter().map(|other| CertificateDer::from(other.der())).collect();

    // A path that webpki likes and we do not is passed over; the reason is kept in case there is no other.
    let objection = RefCell::new(None);
    let judge = |path: &VerifiedPath<'_>| {
        strict_path(path, others, anchor).map_err(|error| {
            objection.replace(Some(error));
            webpki::Error::UnknownIssuer
        })
    };
    let outcome = end_entity.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &trusted,
        &intermediates,
        UnixTime::since_unix_epoch(Duration::from_secs(now.as_second().try_into().unwrap_or(0))),
        KeyUsage::client_auth(),
        None,
        Some(&judge),
    );
    let Err(error) = outcome else { return Ok(()) };
    Err(objection.take().unwrap_or_else(|| explain::refusal(leaf, others, anchor, now, &error)))
}

/// Our own rules, along a path that webpki found sound.
fn strict_path(
    path: &VerifiedPath<'_>,
    others: &[Certificate],
    anchor: &Certificate,
) -> Result<(), ChainError> {
    let mut depth = 0;
    // RFC 5280 section 4.2.1.9: a self-issued certificate does not count against a path length.
    let mut counted = 0;
    for intermediate in path.intermediate_certificates() {
        depth += 1;
        let der = intermediate.der();
        let Some(certificate) = others.iter().find(|other| other.der() == der.as_ref()) else { continue };
        strict::authority(certificate, Place::Intermediate { depth })?;
        counted += usize::from(certificate.subject_der() != certificate.issuer_der());
    }
    if depth + 1 > PATH_DEPTH_MAX {
        return Err(ChainError::TooDeep);
    }
    strict::path_length(anchor, Place::Anchor, counted)
}

#[cfg(test)]
mod tests;
