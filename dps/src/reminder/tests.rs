//! Which certificate counts, and when a device is tried again.

use super::*;

#[test]
fn the_profile_of_the_policy_counts_and_without_one_any_that_is_for_clients() {
    let for_clients = ["device", "edge-server"].map(str::to_owned);
    for (policy, counts) in [
        (Some("default"), vec!["device"]),
        (Some("edge-server"), vec!["edge-server"]),
        (Some("line-4/device@2"), vec!["device"]),
        (Some("issuing/of-another-time"), vec!["of-another-time"]),
        (None, vec!["device", "edge-server"]),
    ] {
        let policy: Option<CredentialPolicy> = policy.map(|written| written.parse().unwrap());
        assert_eq!(profiles_that_count(policy.as_ref(), &for_clients), counts, "{policy:?}");
    }
}

#[test]
fn who_could_not_be_told_is_told_later_and_later_up_to_ten_minutes() {
    let pauses_s = [0, 1, 2, 9, 10, 31, 32, 63, 64, i64::MAX].map(|failures| pause_after(failures).as_secs());
    assert_eq!(pauses_s, [1, 2, 4, 512, 600, 600, 600, 600, 600, 600]);
}

#[test]
fn a_holder_is_a_device_at_a_hub_when_it_is_called_by_its_common_name() {
    let named = |holder, common_name| device_id(holder, common_name).map(|id| id.to_string());
    assert_eq!(named("pump-1", Some("Pump-1")).as_deref(), Some("Pump-1"));
    for (holder, common_name) in
        [("pump-1", None), ("line-4", Some("pump-1")), ("Pump-1", Some("Pump-1")), ("pump 1", Some("pump 1"))]
    {
        assert_eq!(named(holder, common_name), None, "{holder} {common_name:?}");
    }
}
