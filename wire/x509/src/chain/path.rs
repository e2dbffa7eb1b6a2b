//! A path that webpki found sound, and our own rules along it.

use rustls_pki_types::TrustAnchor;
use webpki::VerifiedPath;

use super::{ChainError, PATH_DEPTH_MAX, Place, Rules, Validation, revocation, rfc5280, strict};
use crate::Certificate;

/// From the leaf to the anchor, which are never the same.
pub(super) struct Path<'a> {
    pub(super) leaf: &'a Certificate,
    pub(super) intermediates: Vec<&'a Certificate>,
    pub(super) anchor: &'a Certificate,
}

impl<'a> Path<'a> {
    /// webpki's path in our certificates; `anchors` stand at the same places as `trusted`.
    pub(super) fn of(
        verified: &VerifiedPath<'_>,
        leaf: &'a Certificate,
        others: &'a [Certificate],
        anchors: &[&'a Certificate],
        trusted: &[TrustAnchor<'_>],
    ) -> Option<Self> {
        let at = trusted.iter().position(|trusted| std::ptr::eq(trusted, verified.anchor()))?;
        let intermediates = verified.intermediate_certificates().map(|intermediate| {
            let der = intermediate.der();
            others.iter().find(|other| other.der() == der.as_ref())
        });
        Some(Self { leaf, intermediates: intermediates.collect::<Option<_>>()?, anchor: anchors.get(at)? })
    }

    pub(super) fn certificates(&self) -> Vec<Certificate> {
        self.steps().map(|(_, certificate)| certificate.clone()).collect()
    }

    /// Each certificate with its place, leaf first.
    pub(super) fn steps(&self) -> impl Iterator<Item = (Place, &'a Certificate)> {
        let intermediates = self.intermediates.iter().enumerate();
        std::iter::once((Place::Leaf, self.leaf))
            .chain(
                intermediates.map(|(at, certificate)| (Place::Intermediate { depth: at + 1 }, *certificate)),
            )
            .chain(std::iter::once((Place::Anchor, self.anchor)))
    }
}

pub(super) fn judge(path: &Path<'_>, validation: &Validation<'_>) -> Result<(), ChainError> {
    strict::dates(path.anchor, Place::Anchor, validation.now)?;
    let mut counted = 0;
    for (place, certificate) in path.steps().filter(|(place, _)| *place != Place::Leaf) {
        strict::authority(certificate, place, validation)?;
        if place == Place::Anchor {
            strict::path_length(certificate, place, counted)?;
        }
        // RFC 5280 section 4.2.1.9: a self-issued certificate does not count against a path length.
        counted +=
            usize::from(place != Place::Anchor && certificate.subject_der() != certificate.issuer_der());
    }
    if path.intermediates.len() + 1 > PATH_DEPTH_MAX || counted > validation.depth_max {
        return Err(ChainError::TooDeep);
    }
    match validation.rules {
        Rules::Field => {}
        Rules::Rfc5280 => rfc5280::check(path)?,
    }
    revocation::check(path, validation)
}
