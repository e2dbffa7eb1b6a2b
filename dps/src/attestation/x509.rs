//! Proof by certificate: an individual's own, or one that comes from a group's authority (dps.md §4.2).

use std::sync::Arc;

use muster_x509::{Certificate, ChainError, Place, verify};

use crate::{
    enrollment::{Anchor, Authorities, Certificates, Enrollment, Groups, candidates},
    trace::Steps,
};

use super::{CommonName, Evidence, Rejected};

pub(super) fn individual(
    evidence: Evidence<'_>,
    certificates: &Certificates,
    steps: &mut Steps,
) -> Result<Certificate, Rejected> {
    let leaf = named_leaf(evidence)?;
    let enrolled = [("primary", &certificates.primary), ("secondary", &certificates.secondary)];
    let matching = enrolled.iter().find(|(_, enrolled)| enrolled.as_ref() == Some(leaf));
    let Some((which, _)) = matching else {
        let shown = |(which, enrolled): &(&str, &Option<Certificate>)| {
            enrolled.as_ref().map(|certificate| format!("{which} {}", certificate.sha256()))
        };
        return Err(Rejected::Thumbprint {
            presented: leaf.sha256().to_string(),
            enrolled: enrolled.iter().filter_map(shown).collect::<Vec<_>>().join(", "),
            id: evidence.id.clone(),
        });
    };
    steps.passed("certificate", format_args!("the leaf is the enrollment's {which} certificate"));
    dates(leaf, evidence)?;
    Ok(leaf.clone())
}

/// An individual that trusts whatever one of the instance's authorities issued in its name.
pub(super) fn individual_by_authority(
    evidence: Evidence<'_>,
    names: &Authorities,
    groups: &Groups,
    steps: &mut Steps,
) -> Result<Certificate, Rejected> {
    let leaf = named_leaf(evidence)?;
    let mut refused = None;
    for name in [&names.primary, &names.secondary].into_iter().flatten() {
        let Some(authority) = groups.authority(name) else {
            steps.noted("authority", format_args!("certificate `{name}` is not stored, or not verified"));
            continue;
        };
        match verify(evidence.chain, authority, evidence.now) {
            Ok(()) => {
                steps.passed("chain", format_args!("it leads to the certificate `{name}`"));
                return Ok(leaf.clone());
            }
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.map_or_else(|| no_group(evidence), Rejected::Chain))
}

/// The first match along the chain decides; a candidate by name whose signature does not verify is no match.
pub(super) fn group<'g>(
    evidence: Evidence<'_>,
    chain: &[Certificate],
    groups: &'g Groups,
    steps: &mut Steps,
) -> Result<(&'g Arc<Enrollment>, Certificate), Rejected> {
    let leaf = named_leaf(evidence)?;
    let found = candidates(chain, groups);
    let mut refused = None;
    for anchor in &found.anchors {
        match verify(&found.chain, &anchor.certificate, evidence.now) {
            Ok(()) => {
                steps.passed("chain", format_args!("it leads to {}", described(anchor)));
                return Ok((&anchor.group, leaf.clone()));
            }
            Err(error) => {
                steps.noted("chain", format_args!("it does not lead to {}: {error}", described(anchor)));
                refused.get_or_insert(error);
            }
        }
    }
    Err(refused.map_or_else(|| no_group(evidence), Rejected::Chain))
}

pub(crate) fn described(anchor: &Anchor) -> String {
    format!("{} `{}` of group `{}`", anchor.origin, anchor.certificate.subject(), anchor.group.id())
}

/// The common name is the registration id; no case, because registration ids have none (dps.md §4.2).
pub(crate) fn named_leaf<'a>(evidence: Evidence<'a>) -> Result<&'a Certificate, Rejected> {
    let leaf =
        evidence.chain.first().ok_or_else(|| Rejected::CertificateMissing { id: evidence.id.clone() })?;
    match leaf.common_name() {
        Some(name) if name.eq_ignore_ascii_case(evidence.id.as_str()) => Ok(leaf),
        found => {
            Err(Rejected::CommonName { found: CommonName(found.map(str::to_owned)), id: evidence.id.clone() })
        }
    }
}

/// An enrolled certificate needs no issuer, but it has a life.
fn dates(leaf: &Certificate, evidence: Evidence<'_>) -> Result<(), ChainError> {
    let (place, subject, now) = (Place::Leaf, leaf.subject().to_owned(), evidence.now);
    // A certificate's dates are whole seconds, and both of them still count.
    if now.as_second() < leaf.not_before().as_second() {
        return Err(ChainError::NotYetValid { place, subject, not_before: leaf.not_before(), now });
    }
    if now.as_second() > leaf.not_after().as_second() {
        return Err(ChainError::Expired { place, subject, not_after: leaf.not_after(), now });
    }
    Ok(())
}

fn no_group(evidence: Evidence<'_>) -> Rejected {
    let issuers = evidence.chain.iter().map(|certificate| format!("`{}`", certificate.issuer()));
    Rejected::NoGroupCertificate { id: evidence.id.clone(), issuers: issuers.collect::<Vec<_>>().join(", ") }
}
