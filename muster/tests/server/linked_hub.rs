//! A hub in another process, linked by its connection string and reached over REST.

use muster::config::Config;
use muster_simulator::{Device, DeviceKey, HubClient, HubOptions, Key, Options, enrollments, provision};
use serde_json::json;

use crate::Fixture;

/// A server whose only hub is the first one of `far`, known here by this connection string.
async fn linked_to(far: &Fixture, connection_string: &str) -> Fixture {
    let ports = "ports = { mqtts = 0, https = 0, amqps = 0, http = 0 }";
    let hub = &far.endpoints.hubs[0];
    let (host, ca, port) = (&hub.host_name, far.endpoints.ca_file.display(), far.endpoints.ports.https);
    let text = format!(
        "{ports}\nretry_after_s = 1\nhubs = [{{ name = \"far\", host = \"{host}\", connection_string = \"{connection_string}\", \
         ca_file = \"{ca}\", https_port = {port} }}]"
    );
    Fixture::with(Config::parse(&text).unwrap()).await
}

#[tokio::test]
async fn a_device_is_assigned_to_a_hub_elsewhere_with_its_first_twin() {
    let far = Fixture::start().await;
    let (hub, far_service) = far.hub();
    let near = linked_to(&far, &hub.owner_connection_string).await;
    let credential = DeviceKey::Symmetric { key: Key::from_bytes(vec![7; 32]).unwrap() };
    let mut enrollment = enrollments::individual("pump", &credential);
    enrollment["initialTwin"] = json!({ "tags": { "site": 3 }, "properties": { "desired": { "on": true } } });
    near.dps().put_enrollment(&enrollment).await.unwrap();

    let options = Options::default();
    let dps = near.endpoints.dps();
    let outcome = provision(&dps, "pump", &credential, &near.trust, &options).await.unwrap();
    let assigned = outcome.assigned().unwrap();
    assert_eq!(assigned.hub, hub.host_name);
    let twin = far_service.twin("pump").await.unwrap();
    assert_eq!((&twin["tags"]["site"], &twin["properties"]["desired"]["on"]), (&json!(3), &json!(true)));
    let endpoint = far.endpoints.hub(&hub.host_name);
    let device = Device::new("pump", credential.clone());
    HubClient::connect(&far.trust, &endpoint, device, &HubOptions::default()).await.unwrap();

    // Again: it is there already, and keeps what the back end changed meanwhile.
    far_service.patch_twin("pump", &json!({ "tags": { "site": 4 } })).await.unwrap();
    let outcome = provision(&dps, "pump", &credential, &near.trust, &options).await.unwrap();
    assert_eq!(outcome.assigned().unwrap().hub, hub.host_name);
    assert_eq!(far_service.twin("pump").await.unwrap()["tags"]["site"], 4);
}

#[tokio::test]
async fn a_certificate_issued_here_is_told_of_in_the_twin_at_the_hub_elsewhere() {
    let far = Fixture::start().await;
    let (hub, far_service) = far.hub();
    let near = linked_to(&far, &hub.owner_connection_string).await;
    let credential = DeviceKey::Symmetric { key: Key::from_bytes(vec![7; 32]).unwrap() };
    near.dps().put_enrollment(&enrollments::individual("pump", &credential)).await.unwrap();
    let outcome =
        provision(&near.endpoints.dps(), "pump", &credential, &near.trust, &Options::default()).await;
    assert_eq!(outcome.unwrap().assigned().unwrap().hub, hub.host_name);

    let desired = async || far_service.twin("pump").await.unwrap()["properties"]["desired"].clone();
    let mut versions = Vec::new();
    for _ in 0..2 {
        let csr = crate::authority::csr(&rcgen::KeyPair::generate().unwrap());
        let request = json!({ "csr": csr, "subject": { "commonName": "pump" } });
        let signed = near.authority("POST /ca/sign", &request).await.json();
        crate::eventually_async("the twin tells of it", async || {
            desired().await["muster"]["certificate"]["serial"] == signed["serial"]
        })
        .await;
        versions.push(desired().await["$version"].as_u64().unwrap());
    }
    assert_eq!(versions[1], versions[0] + 1, "each is told once");
}

#[tokio::test]
async fn a_hub_that_refuses_its_connection_string_fails_the_registration_with_the_reason() {
    let far = Fixture::start().await;
    let (hub, _) = far.hub();
    let key = hub.owner_connection_string.rsplit_once("SharedAccessKey=").unwrap().1;
    let wrong = Key::from_bytes(vec![9; 32]).unwrap().to_base64();
    let near = linked_to(&far, &hub.owner_connection_string.replace(key, &wrong)).await;
    let credential = DeviceKey::Symmetric { key: Key::from_bytes(vec![7; 32]).unwrap() };
    near.dps().put_enrollment(&enrollments::individual("pump", &credential)).await.unwrap();
    let (dps, options) = (near.endpoints.dps(), Options::default());
    let outcome = provision(&dps, "pump", &credential, &near.trust, &options).await.unwrap();
    let refused = outcome.assigned().unwrap_err();
    assert!(refused.message.contains("401"), "{refused:?}");
}
