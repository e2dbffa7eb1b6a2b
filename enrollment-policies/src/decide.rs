//! The decision, and how it came about.

use muster_identity::{HostName, RegistrationId};

use crate::{Score, rendezvous};

/// Azure's range is 1 to 1000 (dps.md §9.1). Here 0 as well: takes no new devices, keeps those it has.
pub const WEIGHT_MAX: u32 = 1000;

/// A hub that may take the device: linked, allocatable and named by the enrollment, if it names any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub host: HostName,
    pub weight: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// By weight, and the same hub for the same device every time.
    Hashed,
    /// This one.
    Static(HostName),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub host: HostName,
    /// Why: every candidate with its weight and score, the winner first. Of a static decision, the one hub without a score.
    pub scores: Vec<Score>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoHub {
    #[error(
        "no hub may take the device, link one and allow allocation to it, or name a linked one in `iotHubs`"
    )]
    NoCandidate,
    #[error("every hub that may take the device has weight 0: {}, give one a weight of 1 to {WEIGHT_MAX}", hosts(.candidates))]
    NoWeight { candidates: Vec<HostName> },
    #[error("the policy is static to `{wanted}`, which is not among the hubs that may take the device: {}", hosts(.candidates))]
    StaticNotLinked { wanted: HostName, candidates: Vec<HostName> },
}

pub fn decide(
    policy: &Policy,
    registration_id: &RegistrationId,
    candidates: &[Candidate],
) -> Result<Decision, NoHub> {
    if candidates.is_empty() {
        return Err(NoHub::NoCandidate);
    }
    match policy {
        Policy::Hashed => hashed(registration_id, candidates),
        Policy::Static(wanted) => fixed(wanted, candidates),
    }
}

fn hashed(registration_id: &RegistrationId, candidates: &[Candidate]) -> Result<Decision, NoHub> {
    let scores = rendezvous::scores(registration_id, candidates);
    match scores.first() {
        Some(Score { host, score: Some(_), .. }) => Ok(Decision { host: host.clone(), scores }),
        _ => Err(NoHub::NoWeight { candidates: names(candidates) }),
    }
}

/// The weight does not count: whoever names a hub means it.
fn fixed(wanted: &HostName, candidates: &[Candidate]) -> Result<Decision, NoHub> {
    match candidates.iter().find(|candidate| candidate.host == *wanted) {
        Some(Candidate { host, weight }) => Ok(Decision {
            host: host.clone(),
            scores: vec![Score { host: host.clone(), weight: *weight, score: None }],
        }),
        None => Err(NoHub::StaticNotLinked { wanted: wanted.clone(), candidates: names(candidates) }),
    }
}

fn names(candidates: &[Candidate]) -> Vec<HostName> {
    candidates.iter().map(|candidate| candidate.host.clone()).collect()
}

fn hosts(hosts: &[HostName]) -> String {
    hosts.iter().map(|host| format!("`{host}`")).collect::<Vec<_>>().join(", ")
}
