//! The judgement: the same matching and attestation that a device meets, asked about every enrollment.

use std::sync::Arc;

use jiff::Timestamp;
use muster_identity::{RegistrationId, Status};
use muster_x509::Certificate;

use super::{Considered, Explanation, Verdict};
use crate::{
    attestation::{
        Evidence, attest,
        x509::{described, leads},
    },
    enrollment::{
        Attestation, Authorities, Certificates, Enrollment, EnrollmentKind, Groups, Reach, Standing,
        candidates,
    },
    trace::Steps,
};

#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) scope: &'a str,
    pub(super) id: &'a RegistrationId,
    /// Empty when the device would present a token.
    pub(super) chain: &'a [Certificate],
    pub(super) now: Timestamp,
}

pub(super) fn judge(case: Case<'_>, individual: Option<Enrollment>, groups: &Groups) -> Explanation {
    let individual = individual.map(Arc::new);
    let considered = match &individual {
        Some(individual) => by_individual(case, individual, groups),
        None if case.chain.is_empty() => by_key(groups),
        None => by_chain(case, groups),
    };
    let (verdict, summary) = match (case.chain, &individual) {
        ([], individual) => without_certificate(case, individual.as_deref(), &considered),
        _ => with_certificate(case, individual.as_ref(), groups),
    };
    Explanation { registration_id: case.id.to_string(), verdict, summary, considered }
}

/// What a device with this chain is told; the very function that it meets.
fn with_certificate(
    case: Case<'_>,
    individual: Option<&Arc<Enrollment>>,
    groups: &Groups,
) -> (Verdict, String) {
    let evidence = Evidence { scope: case.scope, id: case.id, token: None, chain: case.chain, now: case.now };
    match attest(evidence, individual, groups, None, &mut Steps::new(case.now)) {
        Ok(verified) => {
            let (kind, id) = (verified.enrollment().kind(), verified.enrollment().id());
            match verified.enrollment().status {
                Status::Enabled => (Verdict::Admitted, format!("{kind} `{id}` admits the device")),
                Status::Disabled => (
                    Verdict::Disabled,
                    format!(
                        "{kind} `{id}` decides, and it is disabled: enable it, or delete it if another one should decide"
                    ),
                ),
            }
        }
        Err(rejected) => (Verdict::Refused, rejected.to_string()),
    }
}

fn without_certificate(
    case: Case<'_>,
    individual: Option<&Enrollment>,
    considered: &[Considered],
) -> (Verdict, String) {
    let id = case.id;
    match individual {
        Some(Enrollment { attestation: Attestation::SymmetricKey(_), status, .. }) => match status {
            Status::Enabled => (
                Verdict::DependsOnKey,
                format!("individual enrollment `{id}` admits the device if one of its keys signs the token"),
            ),
            Status::Disabled => {
                (Verdict::Disabled, format!("individual enrollment `{id}` decides, and it is disabled"))
            }
        },
        Some(_) => (
            Verdict::Refused,
            format!("individual enrollment `{id}` wants a client certificate, a token does not help"),
        ),
        None if considered.iter().any(|considered| considered.matches) => (
            Verdict::DependsOnKey,
            "the group decides whose key, derived for this registration id, signs the token".to_owned(),
        ),
        None => (
            Verdict::Refused,
            format!("there is no individual enrollment `{id}` and no group with keys: enroll the device"),
        ),
    }
}

fn by_individual(case: Case<'_>, individual: &Arc<Enrollment>, groups: &Groups) -> Vec<Considered> {
    let wants_key = matches!(individual.attestation, Attestation::SymmetricKey(_));
    let (matches, why, fix) = if case.chain.is_empty() {
        match wants_key {
            true => (true, "it has this registration id, and keys".to_owned(), None),
            false => refused("it wants a client certificate: let the device connect with one"),
        }
    } else {
        let evidence =
            Evidence { scope: case.scope, id: case.id, token: None, chain: case.chain, now: case.now };
        match attest(evidence, Some(individual), groups, None, &mut Steps::new(case.now)) {
            Ok(_) => (true, "it has this registration id, and the certificate is right".to_owned(), None),
            Err(rejected) => refused(&rejected.to_string()),
        }
    };
    let mut considered = vec![entry(individual, matches, with_status(individual, why), fix)];
    considered.extend(groups.iter().map(|group| {
        let why = format!("not asked: individual enrollment `{}` decides alone", individual.id());
        entry(group, false, why, None)
    }));
    considered
}

fn by_key(groups: &Groups) -> Vec<Considered> {
    groups
        .iter()
        .map(|group| match &group.attestation {
            Attestation::SymmetricKey(_) => {
                let why = "it has keys: it decides if the token is signed by one derived from them";
                entry(group, true, with_status(group, why.to_owned()), None)
            }
            Attestation::Certificates(_) | Attestation::Authorities(_) => {
                let (matches, why, fix) =
                    refused("it wants a client certificate: let the device connect with one");
                entry(group, matches, why, fix)
            }
        })
        .collect()
}

/// Candidates in the order in which they may decide, then all others and why they are none.
fn by_chain(case: Case<'_>, groups: &Groups) -> Vec<Considered> {
    let evidence = Evidence { scope: case.scope, id: case.id, token: None, chain: case.chain, now: case.now };
    let mut considered: Vec<Considered> = Vec::new();
    let mut decided: Option<&Arc<Enrollment>> = None;
    for reach in [Reach::Presented, Reach::Pool] {
        for candidate in candidates(case.chain, groups, reach).anchors {
            let (anchor, group) = (candidate.anchor, &candidate.anchor.group);
            let (matches, why, fix) = match (decided, leads(evidence, anchor, groups, reach)) {
                (Some(nearer), Ok(())) if nearer.id() != group.id() => {
                    let why =
                        format!("not asked: group `{}` is nearer to the leaf, or comes first", nearer.id());
                    (false, why, None)
                }
                (_, Ok(())) => {
                    decided = Some(group);
                    (true, format!("the chain leads to {}", described(anchor)), None)
                }
                (_, Err(error)) => refused(&error.to_string()),
            };
            match considered.iter_mut().find(|known| known.id == group.id().as_str()) {
                Some(known) if known.matches || !matches => {}
                Some(known) => *known = entry(group, matches, with_status(group, why), fix),
                None => considered.push(entry(group, matches, with_status(group, why), fix)),
            }
        }
    }
    for group in groups.iter() {
        if !considered.iter().any(|known| known.id == group.id().as_str()) {
            let (matches, why, fix) = refused(&why_no_candidate(group, groups));
            considered.push(entry(group, matches, why, fix));
        }
    }
    considered
}

fn why_no_candidate(group: &Enrollment, groups: &Groups) -> String {
    match &group.attestation {
        Attestation::SymmetricKey(_) => {
            "it wants a token: give the device a key derived from the group's".to_owned()
        }
        Attestation::Certificates(Certificates { primary, secondary, .. }) => {
            let subjects = [primary, secondary].into_iter().flatten();
            let subjects: Vec<_> =
                subjects.map(|certificate| format!("`{}`", certificate.subject())).collect();
            format!(
                "no certificate in the chain names {} as its issuer: let the device send its intermediates, or enroll their issuer",
                subjects.join(" or ")
            )
        }
        Attestation::Authorities(Authorities { primary, secondary, .. }) => {
            let names = [primary, secondary].into_iter().flatten().map(|name| match groups.stored(name) {
                None => format!("certificate `{name}` is not stored"),
                Some(stored) if stored.standing == Standing::Unverified => {
                    format!("certificate `{name}` is not verified")
                }
                Some(stored) => format!(
                    "no certificate in the chain names `{}` (certificate `{name}`) as its issuer",
                    stored.certificate.subject()
                ),
            });
            format!(
                "{}: store it, verify it, or let the device send its intermediates",
                names.collect::<Vec<_>>().join("; ")
            )
        }
    }
}

/// A reason that ends in what to do, after its last colon.
fn refused(text: &str) -> (bool, String, Option<String>) {
    match text.rsplit_once(": ") {
        Some((why, fix)) => (false, why.to_owned(), Some(fix.to_owned())),
        None => (false, text.to_owned(), None),
    }
}

fn with_status(enrollment: &Enrollment, why: String) -> String {
    match enrollment.status {
        Status::Enabled => why,
        Status::Disabled => format!("{why}; it is disabled"),
    }
}

fn entry(enrollment: &Enrollment, matches: bool, why: String, fix: Option<String>) -> Considered {
    let kind: EnrollmentKind = enrollment.kind();
    Considered { kind, id: enrollment.id().to_string(), matches, why, fix }
}
