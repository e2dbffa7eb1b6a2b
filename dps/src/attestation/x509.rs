//! Proof by certificate: an individual's own, or one that comes from a group's authority (dps.md §4.2, pki.md §8).

use std::{collections::HashSet, sync::Arc};

use muster_x509::{Certificate, ChainError, Place};

use crate::{
    certificate::is_verification_code,
    enrollment::{
        Anchor, Authorities, Certificates, Enrollment, EnrollmentKind, Groups, Origin, Reach, Standing,
        candidates,
    },
    external_crl::{unlisted_leaf, unlisted_path},
    trace::Steps,
};

use super::{
    CommonName, Evidence, Rejected,
    path::{Leads, Paths},
};

pub(super) fn individual(
    evidence: Evidence<'_>,
    certificates: &Certificates,
    groups: &Groups,
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
    unlisted_leaf(leaf, groups, evidence.now, steps)?;
    Ok(leaf.clone())
}

/// An individual that trusts whatever one of the instance's authorities issued in its name.
pub(super) fn individual_by_authority(
    evidence: Evidence<'_>,
    individual: &Arc<Enrollment>,
    names: &Authorities,
    groups: &Groups,
    steps: &mut Steps,
) -> Result<Certificate, Rejected> {
    let leaf = named_leaf(evidence)?;
    let mut paths = Paths::new(evidence.chain, groups, evidence.now);
    let mut refused = None;
    for reach in [Reach::Presented, Reach::Pool] {
        let pool = candidates(evidence.chain, groups, reach).pool;
        if reach == Reach::Pool && pool.is_empty() {
            break; // what was presented has been tried
        }
        for name in [&names.primary, &names.secondary].into_iter().flatten() {
            let Some(stored) = groups.stored(name) else {
                steps.noted("authority", format_args!("certificate `{name}` is not stored"));
                continue;
            };
            let anchor = Anchor {
                certificate: stored.certificate.clone(),
                group: Arc::clone(individual),
                origin: Origin::Named(name.clone()),
                pin: names.pin,
                standing: stored.standing,
            };
            match lead(&mut paths, &anchor, &pool, steps) {
                Ok(path) => {
                    unlisted_path(&path, groups, evidence.now, steps)?;
                    return Ok(leaf.clone());
                }
                Err(error) => drop(refused.get_or_insert(error)),
            }
        }
    }
    Err(refused.unwrap_or_else(|| no_group(evidence)))
}

/// The first match along the chain decides; a candidate by name whose signature does not verify is no match. What the device
/// sent is tried alone first, and the pool only if that reaches nobody.
pub(super) fn group<'g>(
    evidence: Evidence<'_>,
    chain: &[Certificate],
    groups: &'g Groups,
    steps: &mut Steps,
) -> Result<(&'g Arc<Enrollment>, Certificate), Rejected> {
    let leaf = named_leaf(evidence)?;
    let mut paths = Paths::new(chain, groups, evidence.now);
    let (mut refused, mut told) = (None, HashSet::new());
    for reach in [Reach::Presented, Reach::Pool] {
        let found = candidates(chain, groups, reach);
        if reach == Reach::Pool && found.pool.is_empty() {
            break; // what was presented has been tried
        }
        for candidate in &found.anchors {
            let anchor = candidate.anchor;
            if anchor.standing != Standing::Verified && !told.insert(std::ptr::from_ref(anchor)) {
                continue; // the pool does not make it verified
            }
            // The signature is one check, a path up to a hundred.
            if !paths.is_issuer(anchor, &candidate.below) && refused.is_some() {
                steps.noted("chain", format_args!("{} has another key than the issuer", described(anchor)));
                continue;
            }
            match lead(&mut paths, anchor, &found.pool, steps) {
                Ok(path) => {
                    unlisted_path(&path, groups, evidence.now, steps)?;
                    return Ok((&anchor.group, leaf.clone()));
                }
                Err(error) => drop(refused.get_or_insert(error)),
            }
        }
    }
    Err(refused.unwrap_or_else(|| no_group(evidence)))
}

/// The path to an anchor, told step by step.
fn lead(
    paths: &mut Paths<'_>,
    anchor: &Anchor,
    pool: &[Certificate],
    steps: &mut Steps,
) -> Result<Vec<Certificate>, Rejected> {
    let what = described(anchor);
    if let (Standing::Unverified | Standing::Intermediate, Origin::Named(name)) =
        (anchor.standing, &anchor.origin)
    {
        steps.noted("chain", format_args!("{what} anchors nothing, for it is not verified"));
        return Err(Rejected::Unverified { name: name.clone(), enrollment: anchor.group.id().clone() });
    }
    match paths.to(anchor, pool) {
        Ok(Leads { path, by, lent }) => {
            for certificate in &lent {
                let subject = certificate.subject();
                steps.noted(
                    "pool",
                    match paths.stored_name(certificate) {
                        Some(name) => {
                            format!("`{subject}` was not sent, the stored certificate `{name}` stands in")
                        }
                        None => format!("`{subject}` was not sent, the one of a group stands in"),
                    },
                );
            }
            steps.passed("chain", format_args!("it leads to {what}{by}"));
            Ok(path)
        }
        Err(error) => {
            steps.noted("chain", format_args!("it does not lead to {what}: {error}"));
            Err(error.into())
        }
    }
}

/// Whether a chain leads to an anchor, with our own certificates' help or without; for those who ask without a device.
pub(crate) fn leads(
    case: Evidence<'_>,
    anchor: &Anchor,
    groups: &Groups,
    reach: Reach,
) -> Result<(), Rejected> {
    let pool = candidates(case.chain, groups, reach).pool;
    let mut paths = Paths::new(case.chain, groups, case.now);
    let path = lead(&mut paths, anchor, &pool, &mut Steps::new(case.now))?;
    Ok(unlisted_path(&path, groups, case.now, &mut Steps::new(case.now))?)
}

pub(crate) fn described(anchor: &Anchor) -> String {
    let kind = anchor.group.kind();
    let group = anchor.group.id();
    match kind {
        EnrollmentKind::Group => {
            format!("{} `{}` of group `{group}`", anchor.origin, anchor.certificate.subject())
        }
        EnrollmentKind::Individual => format!("{} `{}`", anchor.origin, anchor.certificate.subject()),
    }
}

/// The common name is the registration id; no case, because registration ids have none (dps.md §4.2).
pub(crate) fn named_leaf<'a>(evidence: Evidence<'a>) -> Result<&'a Certificate, Rejected> {
    let leaf =
        evidence.chain.first().ok_or_else(|| Rejected::CertificateMissing { id: evidence.id.clone() })?;
    // Made to show possession of an authority's key, and for nothing else (pki.md §11).
    if leaf.common_name().is_some_and(is_verification_code) {
        return Err(Rejected::VerificationCertificate);
    }
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
