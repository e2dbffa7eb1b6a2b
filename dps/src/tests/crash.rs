//! Ends that come at the wrong moment, and devices that ask twice: always one device, at one hub, assigned once.

use futures::FutureExt;
use muster_test_engines::{for_each_engine, for_each_place};
use serde_json::json;

use super::{Bench, Device, HUB_1, HUB_2, Shelf, enroll, group, key, shelf::Mood, symmetric};
use crate::{Ask, HubError};

#[tokio::test]
async fn what_was_accepted_before_a_crash_is_assigned_after_it() {
    for_each_place(async |place| {
        let hub = Shelf::new(HUB_1);
        let hubs = std::slice::from_ref(&hub);
        let devices: Vec<_> = (0..20).map(|n| format!("d{n}")).collect();
        let device = |name: &str| Device::new(name).with_key(&key(1).derive(name));

        let db = place.open().await;
        let dps = Bench::prepared(&db, hubs, |_| {}).await; // no worker: it dies before it begins
        group(&dps, "g", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let mut operations = Vec::new();
        for name in &devices {
            operations.push(device(name).accepted(&dps).await);
        }
        drop(dps);
        db.close().await;

        let db = place.open().await;
        let bench = Bench::open(&db, hubs).await;
        for (name, operation) in devices.iter().zip(&operations) {
            assert_eq!(device(name).ends(&bench.dps, operation).await["status"], "assigned");
        }
        assert_eq!((hub.devices().len(), hub.admissions()), (20, 20));
        bench.close().await;
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_admission_that_was_done_and_not_recorded_is_done_again_without_harm() {
    for_each_place(async |place| {
        let hub = Shelf::new(HUB_1);
        let db = place.open().await;
        let bench = Bench::open(&db, std::slice::from_ref(&hub)).await;
        enroll(&bench.dps, "d1", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let device = Device::new("d1").with_key(&key(1));
        hub.set(Mood::Silent); // it has the device and does not say so
        let operation = device.accepted(&bench.dps).await;
        while hub.devices().is_empty() {
            tokio::task::yield_now().await;
        }
        let Bench { dps, worker, .. } = bench;
        worker.abort();
        let _ = worker.await;
        drop(dps);
        db.close().await;

        hub.set(Mood::Well);
        let db = place.open().await;
        let bench = Bench::open(&db, std::slice::from_ref(&hub)).await;
        let state = device.ends(&bench.dps, &operation).await;
        assert_eq!(
            (&state["status"], &state["substatus"]),
            (&json!("assigned"), &json!("initialAssignment"))
        );
        assert_eq!(hub.devices(), ["d1"]);
        bench.close().await;
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn of_two_registrations_at_once_the_latest_wins_and_both_polls_end() {
    for_each_engine(async |db| {
        let hubs = [Shelf::new(HUB_1), Shelf::new(HUB_2)];
        let bench = Bench::open(&db, &hubs).await;
        let body = |hub: &str| {
            json!({ "attestation": symmetric(&key(1), &key(2)), "allocationPolicy": "static", "iotHubs": [hub] })
        };
        enroll(&bench.dps, "d1", body(HUB_1)).await;
        let device = Device::new("d1").with_key(&key(1));
        hubs[0].set(Mood::Silent);
        let first = device.accepted(&bench.dps).await;
        while hubs[0].devices().is_empty() {
            tokio::task::yield_now().await;
        }
        // The first hangs at hub 1 while the operator changes his mind and the device asks again.
        enroll(&bench.dps, "d1", body(HUB_2)).await;
        let second = device.accepted(&bench.dps).await;
        let third = device.accepted(&bench.dps).await;
        hubs[0].set(Mood::Well);
        for operation in [&first, &second, &third] {
            let state = device.ends(&bench.dps, operation).await;
            assert_eq!((&state["status"], &state["assignedHub"]), (&json!("assigned"), &json!(HUB_2)));
            assert_eq!(state["substatus"], "initialAssignment");
        }
        for _ in 0..200 {
            if hubs[0].devices().is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!((hubs[0].devices().len(), hubs[1].devices().len()), (0, 1));
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn many_registrations_of_one_device_at_once_leave_one_device() {
    for_each_engine(async |db| {
        let hubs = [Shelf::new(HUB_1), Shelf::new(HUB_2)];
        let bench = Bench::open(&db, &hubs).await;
        group(&bench.dps, "g", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let device = Device::new("d1").with_key(&key(1).derive("d1"));
        let attempts = (0..4).map(|_| device.register(&bench.dps));
        let answers = futures::future::join_all(attempts).await;
        let accepted: Vec<_> = answers.iter().filter(|answer| answer.status == 202).collect();
        assert!(!accepted.is_empty());
        for answer in accepted {
            let operation = crate::OperationId::new(answer.body["operationId"].as_str().unwrap());
            assert_eq!(device.ends(&bench.dps, &operation).await["status"], "assigned");
        }
        assert_eq!(hubs[0].devices().len() + hubs[1].devices().len(), 1);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_hub_that_is_away_for_a_moment_is_asked_again() {
    for_each_engine(async |db| {
        let hub = Shelf::new(HUB_1);
        let bench = Bench::open(&db, std::slice::from_ref(&hub)).await;
        enroll(&bench.dps, "d1", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let device = Device::new("d1").with_key(&key(1));
        hub.set(Mood::Fails(HubError::Unavailable("connection refused".to_owned())));
        let operation = device.accepted(&bench.dps).await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        hub.set(Mood::Well);
        assert_eq!(device.ends(&bench.dps, &operation).await["status"], "assigned");
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_operation_that_is_not_the_devices_is_not_found() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        group(&bench.dps, "g", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let device = |name: &str| Device::new(name).with_key(&key(1).derive(name));
        let operation = device("d1").accepted(&bench.dps).await;
        let status = Ask::Status { operation_id: operation.clone() };
        let foreign = device("d2").ask(&bench.dps, status.clone()).await;
        assert_eq!((foreign.status, &foreign.body["errorCode"]), (404, &json!(404_203)));
        let stranger = Device::new("d1").with_key(&key(9)).ask(&bench.dps, status).await;
        assert_eq!(stranger.status, 401);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_registration_whose_connection_was_lost_is_assigned_all_the_same() {
    for_each_engine(async |db| {
        let hub = Shelf::new(HUB_1);
        let dps = Bench::prepared(&db, std::slice::from_ref(&hub), |_| {}).await;
        enroll(&dps, "d1", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let device = Device::new("d1").with_key(&key(1));
        // Dropped while it waits for the disk; what it handed in is written.
        let mut asking = Box::pin(device.register(&dps).fuse());
        // In memory both share one connection: while the request has it, looking must not wait for it for ever.
        let glance = std::time::Duration::from_millis(20);
        let id = super::id("d1");
        while !matches!(tokio::time::timeout(glance, dps.registration(&id)).await, Ok(Ok(_))) {
            let _ = futures::poll!(&mut asking);
        }
        drop(asking);
        drop(dps);
        let bench = Bench::open(&db, std::slice::from_ref(&hub)).await;
        while hub.devices().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_hub_that_was_away_when_its_device_moved_is_left_when_it_is_back() {
    for_each_engine(async |db| {
        let hubs = [Shelf::new(HUB_1), Shelf::new(HUB_2)];
        let bench = Bench::open(&db, &hubs).await;
        let body = |hub: &str| {
            json!({
                "attestation": symmetric(&key(1), &key(2)), "allocationPolicy": "static", "iotHubs": [hub],
                "reprovisionPolicy": { "migrateDeviceData": false },
            })
        };
        enroll(&bench.dps, "d1", body(HUB_1)).await;
        let device = Device::new("d1").with_key(&key(1));
        device.provisioned(&bench.dps).await;
        hubs[0].set(Mood::Fails(HubError::Unavailable("away".to_owned())));
        enroll(&bench.dps, "d1", body(HUB_2)).await;
        assert_eq!(device.provisioned(&bench.dps).await["assignedHub"], HUB_2);
        bench.close().await;
        assert_eq!(hubs[0].devices(), ["d1"]);

        hubs[0].set(Mood::Well);
        let bench = Bench::open(&db, &hubs).await;
        while !hubs[0].devices().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(hubs[1].devices(), ["d1"]);
        bench.close().await;
    })
    .await;
}
