//! Devices that may join: by each kind of proof, as the contract answers them.

use muster_identity::Authentication;
use muster_test_engines::for_each_engine;
use serde_json::json;

use super::{
    Bench, Device, HUB_1, HUB_2, Shelf, authority, enroll, factory::self_signed, group, key, leaf, root,
    symmetric, x509,
};
use crate::Ask;

#[tokio::test]
async fn an_individual_with_keys_is_assigned_by_either_key() {
    for_each_engine(async |db| {
        let hub = Shelf::new(HUB_1);
        let bench = Bench::open(&db, std::slice::from_ref(&hub)).await;
        let body = json!({
            "attestation": symmetric(&key(1), &key(2)), "deviceId": "pump-7", "capabilities": { "iotEdge": true },
            "initialTwin": { "tags": { "a": 1 }, "properties": { "desired": { "b": 2 } } },
        });
        enroll(&bench.dps, "sn-7", body).await;
        for key in [key(1), key(2)] {
            let state = Device::new("sn-7").with_key(&key).provisioned(&bench.dps).await;
            assert_eq!(state["status"], "assigned");
            assert_eq!(state["assignedHub"], HUB_1);
            assert_eq!(state["deviceId"], "pump-7");
            assert_eq!(state["substatus"], "initialAssignment");
            assert!(state.get("symmetricKey").is_none() && state.get("errorCode").is_none());
        }
        assert_eq!(
            hub.authentication("pump-7"),
            Authentication::Sas { primary: key(1), secondary: key(2) }
        );
        let twin = hub.state("pump-7");
        assert_eq!((twin.tags["a"].clone(), twin.desired.properties["b"].clone()), (json!(1), json!(2)));
        assert!(twin.capabilities.iot_edge);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_groups_device_is_known_to_its_hub_by_the_derived_keys() {
    for_each_engine(async |db| {
        let hub = Shelf::new(HUB_1);
        let bench = Bench::open(&db, std::slice::from_ref(&hub)).await;
        group(&bench.dps, "other", json!({ "attestation": symmetric(&key(8), &key(9)) })).await;
        group(&bench.dps, "line-4", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;

        let state = Device::new("SN-1").with_key(&key(2).derive("SN-1")).provisioned(&bench.dps).await;
        assert_eq!(state["symmetricKey"], json!({ "enrollmentGroupId": "line-4" }));
        assert_eq!(state["deviceId"], "SN-1");
        let derived = |key: muster_sas::Key| key.derive("SN-1");
        let expected = Authentication::Sas { primary: derived(key(1)), secondary: derived(key(2)) };
        assert_eq!(hub.authentication("SN-1"), expected);

        // The documents tell users to derive from the id in lower case.
        let state = Device::new("SN-2").with_key(&key(1).derive("sn-2")).provisioned(&bench.dps).await;
        assert_eq!(state["registrationId"], "SN-2");
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn certificates_are_known_to_the_hub_by_the_leaf_presented() {
    for_each_engine(async |db| {
        let hub = Shelf::new(HUB_1);
        let bench = Bench::open(&db, std::slice::from_ref(&hub)).await;
        let own = self_signed("sensor-1");
        enroll(&bench.dps, "sensor-1", json!({ "attestation": x509("clientCertificates", &own) })).await;
        let state = Device::new("sensor-1").with_chain(&[&own]).provisioned(&bench.dps).await;
        assert_eq!(state["x509"], json!({}));

        let top = root("factory");
        let line = authority("line", &top);
        group(&bench.dps, "line", json!({ "attestation": x509("signingCertificates", &line.certificate) }))
            .await;
        group(&bench.dps, "factory", json!({ "attestation": x509("signingCertificates", &top.certificate) }))
            .await;
        let device = leaf("sensor-2", &line);
        // Leaf only, leaf and intermediate, all of it: the group nearest to the leaf decides.
        for chain in
            [&[&device][..], &[&device, &line.certificate], &[&device, &line.certificate, &top.certificate]]
        {
            let state = Device::new("sensor-2").with_chain(chain).provisioned(&bench.dps).await;
            assert_eq!(state["x509"], json!({ "enrollmentGroupId": "line" }));
        }
        let expected = Authentication::SelfSigned { primary: Some(device.sha1()), secondary: None };
        assert_eq!(hub.authentication("sensor-2"), expected);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn hubs_share_devices_by_hash_unless_the_enrollment_names_one() {
    for_each_engine(async |db| {
        let hubs = [Shelf::new(HUB_1), Shelf::new(HUB_2)];
        let bench = Bench::open(&db, &hubs).await;
        group(&bench.dps, "g", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let fixed = json!({
            "attestation": symmetric(&key(3), &key(4)), "allocationPolicy": "static", "iotHubs": [HUB_2],
        });
        group(&bench.dps, "fixed", fixed).await;
        for n in 0..16 {
            let name = format!("d{n}");
            Device::new(&name).with_key(&key(1).derive(&name)).provisioned(&bench.dps).await;
            let name = format!("f{n}");
            let state = Device::new(&name).with_key(&key(3).derive(&name)).provisioned(&bench.dps).await;
            assert_eq!(state["assignedHub"], HUB_2);
        }
        let hashed = |hub: &Shelf| hub.devices().iter().filter(|name| name.starts_with('d')).count();
        assert!(hashed(&hubs[0]) > 0 && hashed(&hubs[1]) > 0);
        assert_eq!(hashed(&hubs[0]) + hashed(&hubs[1]), 16);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_lookup_answers_the_bare_state() {
    for_each_engine(async |db| {
        let hub = Shelf::new(HUB_1);
        let bench = Bench::open(&db, &[hub]).await;
        enroll(&bench.dps, "sn-7", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let device = Device::new("sn-7").with_key(&key(1));
        let lookup = || Ask::Lookup { body: r#"{"registrationId":"SN-7","tpm":null,"payload":null}"#.into() };
        let before = device.ask(&bench.dps, lookup()).await;
        assert_eq!((before.status, &before.body["errorCode"]), (404, &json!(404_203)));
        device.provisioned(&bench.dps).await;
        let after = device.ask(&bench.dps, lookup()).await;
        assert_eq!((after.status, &after.body["status"]), (200, &json!("assigned")));
        assert!(after.body.get("operationId").is_none());
        bench.close().await;
    })
    .await;
}
