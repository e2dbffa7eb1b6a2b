//! Devices that come back: they stay, move or start anew, as their enrollment says (dps.md §9.3).

use muster_test_engines::for_each_engine;
use serde_json::{Value, json};

use super::{Bench, Device, HUB_1, HUB_2, Shelf, enroll, key, symmetric};

fn body(hub: &str, update: bool, migrate: bool) -> Value {
    json!({
        "attestation": symmetric(&key(1), &key(2)),
        "allocationPolicy": "static",
        "iotHubs": [hub],
        "initialTwin": { "tags": { "from": hub } },
        "reprovisionPolicy": { "updateHubAssignment": update, "migrateDeviceData": migrate },
    })
}

fn device() -> Device {
    let mut device = Device::new("d1").with_key(&key(1));
    device.0.api_version = "2021-06-01".to_owned();
    device
}

#[tokio::test]
async fn a_device_moves_with_its_data_and_leaves_its_old_hub() {
    for_each_engine(async |db| {
        let hubs = [Shelf::new(HUB_1), Shelf::new(HUB_2)];
        let bench = Bench::open(&db, &hubs).await;
        enroll(&bench.dps, "d1", body(HUB_1, true, true)).await;
        device().provisioned(&bench.dps).await;
        hubs[0].report("d1", "lamp");
        enroll(&bench.dps, "d1", body(HUB_2, true, true)).await;

        let state = device().provisioned(&bench.dps).await;
        assert_eq!(
            (&state["assignedHub"], &state["substatus"]),
            (&json!(HUB_2), &json!("deviceDataMigrated"))
        );
        let moved = hubs[1].state("d1");
        assert_eq!(
            (&moved.tags["from"], moved.reported.properties.contains_key("lamp")),
            (&json!(HUB_1), true)
        );
        gone(&hubs[0]).await;
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_device_that_is_reset_begins_anew_at_its_new_hub() {
    for_each_engine(async |db| {
        let hubs = [Shelf::new(HUB_1), Shelf::new(HUB_2)];
        let bench = Bench::open(&db, &hubs).await;
        enroll(&bench.dps, "d1", body(HUB_1, true, false)).await;
        device().provisioned(&bench.dps).await;
        hubs[0].report("d1", "lamp");
        enroll(&bench.dps, "d1", body(HUB_2, true, false)).await;

        assert_eq!(device().provisioned(&bench.dps).await["substatus"], "deviceDataReset");
        let reset = hubs[1].state("d1");
        assert_eq!((&reset.tags["from"], reset.reported.properties.len()), (&json!(HUB_2), 0));
        gone(&hubs[0]).await;
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_device_that_is_to_stay_stays_and_older_clients_hear_an_older_word() {
    for_each_engine(async |db| {
        let hubs = [Shelf::new(HUB_1), Shelf::new(HUB_2)];
        let bench = Bench::open(&db, &hubs).await;
        enroll(&bench.dps, "d1", body(HUB_1, false, true)).await;
        device().provisioned(&bench.dps).await;
        hubs[0].report("d1", "lamp");
        enroll(&bench.dps, "d1", body(HUB_2, false, true)).await;

        let state = device().provisioned(&bench.dps).await;
        assert_eq!(
            (&state["assignedHub"], &state["substatus"]),
            (&json!(HUB_1), &json!("reprovisionedToInitialAssignment"))
        );
        assert!(hubs[0].state("d1").reported.properties.contains_key("lamp"));
        let mut old = device();
        old.0.api_version = "2019-03-31".to_owned();
        assert_eq!(old.provisioned(&bench.dps).await["substatus"], "initialAssignment");
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_device_that_was_deleted_from_its_hub_is_made_again_with_its_first_twin() {
    for_each_engine(async |db| {
        let hub = Shelf::new(HUB_1);
        let bench = Bench::open(&db, std::slice::from_ref(&hub)).await;
        enroll(&bench.dps, "d1", body(HUB_1, true, true)).await;
        device().provisioned(&bench.dps).await;
        hub.delete("d1");
        device().provisioned(&bench.dps).await;
        assert_eq!(hub.state("d1").tags["from"], HUB_1);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn another_device_id_makes_another_device_and_leaves_the_old_one_in_place() {
    for_each_engine(async |db| {
        let hub = Shelf::new(HUB_1);
        let bench = Bench::open(&db, std::slice::from_ref(&hub)).await;
        enroll(&bench.dps, "d1", body(HUB_1, true, true)).await;
        device().provisioned(&bench.dps).await;
        let mut renamed = body(HUB_1, true, true);
        renamed["deviceId"] = json!("pump-7");
        enroll(&bench.dps, "d1", renamed).await;
        assert_eq!(device().provisioned(&bench.dps).await["deviceId"], "pump-7");
        assert_eq!(hub.devices(), ["d1", "pump-7"]);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_device_that_comes_back_in_other_letters_is_the_same_device() {
    for_each_engine(async |db| {
        let hub = Shelf::new(HUB_1);
        let bench = Bench::open(&db, std::slice::from_ref(&hub)).await;
        enroll(&bench.dps, "d1", body(HUB_1, true, true)).await;
        Device::new("D1").with_key(&key(1)).provisioned(&bench.dps).await;
        assert_eq!(device().provisioned(&bench.dps).await["deviceId"], "D1");
        assert_eq!(hub.devices(), ["D1"]);
        bench.close().await;
    })
    .await;
}

/// The old hub is left after the device has been told; soon, but not at once.
async fn gone(hub: &Shelf) {
    for _ in 0..200 {
        if hub.devices().is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("the device is still at its old hub");
}
