//! Which hub takes a device: the linked hubs an enrollment allows, and its policy's choice among them (dps.md §9.1).

use muster_enrollment_policies::{Candidate, NoHub, decide};
use muster_identity::{HostName, RegistrationId};

use crate::{Link, enrollment::Allocation, trace::Steps};

/// What the rules need to know of a [`Link`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Linked {
    pub(crate) host: HostName,
    pub(crate) weight: u32,
    pub(crate) takes: Takes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    NewDevices,
    /// Keeps those it has.
    NoNewDevices,
}

impl From<&Link> for Linked {
    fn from(link: &Link) -> Self {
        Self {
            host: link.hub.host().clone(),
            weight: link.weight,
            takes: if link.allocatable { Takes::NewDevices } else { Takes::NoNewDevices },
        }
    }
}

pub(crate) fn allocate(
    id: &RegistrationId,
    allocation: &Allocation,
    linked: &[Linked],
    steps: &mut Steps,
) -> Result<HostName, NoHub> {
    let named: Vec<_> = allocation.named_hubs().collect();
    let candidates: Vec<_> = linked
        .iter()
        .filter(|hub| hub.takes == Takes::NewDevices && (named.is_empty() || named.contains(&&hub.host)))
        .map(|hub| Candidate { host: hub.host.clone(), weight: hub.weight })
        .collect();
    let policy = allocation.policy().ok_or(NoHub::NoCandidate)?;
    let decision =
        decide(&policy, id, &candidates).inspect_err(|no_hub| steps.refused("allocation", no_hub))?;
    let score = |score: &muster_enrollment_policies::Score| match score.score {
        Some(drawn) => format!("{} (weight {}) drew {drawn:.3}", score.host, score.weight),
        None => format!("{} (weight {})", score.host, score.weight),
    };
    let scores: Vec<_> = decision.scores.iter().map(score).collect();
    steps.passed("allocation", format_args!("{}: {}", allocation.policy_name().as_str(), scores.join(", ")));
    Ok(decision.host)
}
