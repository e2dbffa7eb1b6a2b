//! What a decision says, and what moves when hubs come, go or change weight.

use muster_identity::{HostName, RegistrationId};
use proptest::{collection::btree_map, prelude::*};

use crate::{Candidate, NoHub, Policy, decide};

fn host(text: &str) -> HostName {
    HostName::parse(text).unwrap()
}

fn id(text: &str) -> RegistrationId {
    RegistrationId::parse(text).unwrap()
}

fn candidates(hubs: &[(&str, u32)]) -> Vec<Candidate> {
    hubs.iter().map(|(name, weight)| Candidate { host: host(name), weight: *weight }).collect()
}

fn hashed(device: &str, candidates: &[Candidate]) -> HostName {
    decide(&Policy::Hashed, &id(device), candidates).unwrap().host
}

const DEVICES: usize = 10_000;

fn devices() -> impl Iterator<Item = String> {
    (0..DEVICES).map(|n| format!("device-{n}"))
}

/// These values are a promise to every fleet: see `rendezvous.rs`. Recomputed in Python, with 40 decimal digits.
#[test]
fn the_hash_never_changes() {
    let hubs = candidates(&[("hub-1.example.test", 1), ("hub-2.example.test", 3), ("hub-3.example.test", 2)]);
    let decision = decide(&Policy::Hashed, &id("sn-007:A"), &hubs).unwrap();
    let scores: Vec<_> =
        decision.scores.iter().map(|score| format!("{} {:.12}", score.host, score.score.unwrap())).collect();
    assert_eq!(
        scores,
        [
            "hub-2.example.test 3.143206735316",
            "hub-3.example.test 0.882361423290",
            "hub-1.example.test 0.353828121160",
        ]
    );
}

#[test]
fn the_letter_case_of_an_id_and_the_order_of_hubs_do_not_matter() {
    let hubs = candidates(&[("a.test", 1), ("b.test", 1), ("c.test", 1)]);
    let reversed: Vec<_> = hubs.iter().rev().cloned().collect();
    for device in devices().take(100) {
        assert_eq!(hashed(&device, &hubs), hashed(&device.to_uppercase(), &reversed));
    }
}

#[test]
fn shares_follow_weights() {
    let weights = [("a.test", 1), ("b.test", 3), ("c.test", 6)];
    let hubs = candidates(&weights);
    for (name, weight) in weights {
        let got = devices().filter(|device| hashed(device, &hubs) == host(name)).count() as f64;
        let share = f64::from(weight) / 10.0;
        let expected = DEVICES as f64 * share;
        let deviation = (DEVICES as f64 * share * (1.0 - share)).sqrt();
        assert!((got - expected).abs() < 3.0 * deviation, "{name}: {got} of {expected}");
    }
}

#[test]
fn a_hub_of_weight_zero_gets_nothing_and_stands_in_the_table() {
    let hubs = candidates(&[("a.test", 0), ("b.test", 1)]);
    let decision = decide(&Policy::Hashed, &id("d"), &hubs).unwrap();
    assert_eq!(decision.host, host("b.test"));
    assert_eq!(decision.scores[1].host, host("a.test"));
    assert_eq!((decision.scores[1].weight, decision.scores[1].score), (0, None));
}

#[test]
fn the_table_has_every_candidate_the_winner_first() {
    let hubs = candidates(&[("a.test", 1), ("b.test", 2), ("c.test", 3)]);
    let decision = decide(&Policy::Hashed, &id("d"), &hubs).unwrap();
    assert_eq!(decision.scores.len(), 3);
    assert_eq!(decision.scores[0].host, decision.host);
    assert!(decision.scores.is_sorted_by(|a, b| a.score >= b.score));
}

#[test]
fn a_static_policy_takes_its_hub_whatever_the_weight() {
    let hubs = candidates(&[("a.test", 1000), ("b.test", 0)]);
    let decision = decide(&Policy::Static(host("B.test")), &id("d"), &hubs).unwrap();
    assert_eq!(decision.host, host("b.test"));
    assert_eq!(decision.scores.len(), 1);
}

#[test]
fn no_hub_has_a_reason_and_a_remedy() {
    let hubs = candidates(&[("a.test", 0), ("b.test", 0)]);
    let why = |policy: Policy, hubs: &[Candidate]| decide(&policy, &id("d"), hubs).unwrap_err().to_string();
    assert_eq!(decide(&Policy::Static(host("a.test")), &id("d"), &[]), Err(NoHub::NoCandidate));
    assert_eq!(
        why(Policy::Hashed, &[]),
        "no hub may take the device, link one and allow allocation to it, or name a linked one in `iotHubs`"
    );
    assert_eq!(
        why(Policy::Hashed, &hubs),
        "every hub that may take the device has weight 0: `a.test`, `b.test`, give one a weight of 1 to 1000"
    );
    assert_eq!(
        why(Policy::Static(host("c.test")), &hubs),
        "the policy is static to `c.test`, which is not among the hubs that may take the device: `a.test`, `b.test`"
    );
}

/// Two to six hubs by number, each with a weight.
fn hubs() -> impl Strategy<Value = Vec<Candidate>> {
    btree_map(0..20_u8, 1..=20_u32, 2..=6).prop_map(|hubs| {
        hubs.into_iter()
            .map(|(n, weight)| Candidate { host: host(&format!("hub-{n}.test")), weight })
            .collect()
    })
}

const SAMPLE: usize = 200; // devices a case: enough that each hub has some

proptest! {
    #[test]
    fn removing_a_hub_moves_only_its_devices(before in hubs(), at in any::<prop::sample::Index>()) {
        let mut after = before.clone();
        let removed = after.remove(at.index(before.len())).host;
        for device in devices().take(SAMPLE) {
            let (was, is) = (hashed(&device, &before), hashed(&device, &after));
            prop_assert!(was == is || was == removed, "{device} went from {was} to {is}");
        }
    }

    #[test]
    fn adding_a_hub_moves_devices_only_to_it(before in hubs(), weight in 1..=20_u32) {
        let mut after = before.clone();
        after.push(Candidate { host: host("new.test"), weight });
        for device in devices().take(SAMPLE) {
            let (was, is) = (hashed(&device, &before), hashed(&device, &after));
            prop_assert!(was == is || is == host("new.test"), "{device} went from {was} to {is}");
        }
    }

    #[test]
    fn raising_a_weight_moves_devices_only_to_that_hub_and_lowering_it_only_away(
        lower in hubs(), at in any::<prop::sample::Index>(), more in 1..=20_u32,
    ) {
        let mut higher = lower.clone();
        let changed = at.index(lower.len());
        higher[changed].weight += more;
        for device in devices().take(SAMPLE) {
            let (low, high) = (hashed(&device, &lower), hashed(&device, &higher));
            prop_assert!(low == high || high == lower[changed].host, "{device}: {low}, then {high}");
        }
    }

    #[test]
    fn multiplying_all_weights_moves_nothing(before in hubs(), factor in 2..=50_u32) {
        let mut after = before.clone();
        after.iter_mut().for_each(|candidate| candidate.weight *= factor);
        for device in devices().take(SAMPLE) {
            prop_assert_eq!(hashed(&device, &before), hashed(&device, &after));
        }
    }
}
