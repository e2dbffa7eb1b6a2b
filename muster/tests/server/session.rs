//! A device at its hub over MQTT, and the hub's REST API.

use std::time::Duration;

use bytes::Bytes;
use muster_simulator::{Device, DeviceKey, HubClient, HubError, HubOptions, Key, OpenError};
use serde_json::json;

use crate::{Fixture, PATIENCE};

/// A device in the registry of the first hub.
async fn device(fixture: &Fixture, id: &str) -> Device {
    let (_, service) = fixture.hub();
    let created = service.put_device(&json!({ "deviceId": id }), None).await.unwrap();
    let key = created["authentication"]["symmetricKey"]["primaryKey"].as_str().unwrap();
    Device::new(id, DeviceKey::Symmetric { key: Key::from_base64(key).unwrap() })
}

async fn connect(fixture: &Fixture, device: Device) -> Result<HubClient, HubError> {
    let (hub, _) = fixture.hub();
    let endpoint = fixture.endpoints.hub(&hub.host_name);
    HubClient::connect(&fixture.trust, &endpoint, device, &HubOptions::default()).await
}

#[tokio::test]
async fn telemetry_is_acknowledged_and_in_the_log_after_a_restart() {
    let fixture = Fixture::start().await;
    let device = device(&fixture, "pump").await;
    let mut client = connect(&fixture, device).await.unwrap();
    for n in 0..5 {
        client.send("", Bytes::from(format!("{{\"n\":{n}}}"))).await.unwrap();
    }
    client.settle().await.unwrap();
    let fixture = fixture.restart().await;
    let (_, service) = fixture.hub();
    let events = service.events().await.unwrap();
    assert_eq!(events.len(), 5);
    assert!(events.iter().all(|event| event.device_id == "pump"));
    let log = fixture.running.log("hub-1").unwrap();
    let held: u64 = (0..log.partitions()).map(|it| log.extent(it).next).sum();
    assert_eq!(held, 5);
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn a_twin_goes_both_ways() {
    let fixture = Fixture::start().await;
    let device = device(&fixture, "pump").await;
    let (_, service) = fixture.hub();
    let mut client = connect(&fixture, device).await.unwrap();
    client.watch_desired().await.unwrap();
    client.report(&json!({ "firmware": 7 })).await.unwrap();
    service.patch_twin("pump", &json!({ "properties": { "desired": { "on": true } } })).await.unwrap();
    let desired = tokio::time::timeout(PATIENCE, client.next_desired()).await.unwrap().unwrap();
    assert_eq!(desired.patch["on"], true);
    let twin = service.twin("pump").await.unwrap();
    assert_eq!(twin["properties"]["reported"]["firmware"], 7);
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn a_second_connection_takes_over_from_the_first() {
    let fixture = Fixture::start().await;
    let device = device(&fixture, "pump").await;
    let mut first = connect(&fixture, device.clone()).await.unwrap();
    let mut second = connect(&fixture, device).await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, first.session().next()).await.unwrap();
    assert!(ended.is_err(), "{ended:?}");
    second.send("", Bytes::from_static(b"still here")).await.unwrap();
    second.settle().await.unwrap();
}

#[tokio::test]
async fn a_disabled_device_is_cut_and_not_let_in_again() {
    let fixture = Fixture::start().await;
    let device = device(&fixture, "pump").await;
    let (_, service) = fixture.hub();
    let mut client = connect(&fixture, device.clone()).await.unwrap();
    let mut body = service.device("pump").await.unwrap();
    body["status"] = json!("disabled");
    service.put_device(&body, Some("*")).await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, client.session().next()).await.unwrap();
    assert!(ended.is_err(), "{ended:?}");
    let refused = connect(&fixture, device).await.err().unwrap();
    assert!(matches!(refused, HubError::Open(OpenError::Refused { code: 5 })), "{refused:?}");
}

#[tokio::test]
async fn silence_beyond_the_keep_alive_ends_the_session() {
    let fixture = Fixture::start().await;
    let device = device(&fixture, "pump").await;
    let (hub, _) = fixture.hub();
    let endpoint = fixture.endpoints.hub(&hub.host_name);
    let options = HubOptions { keep_alive_s: 1, ..HubOptions::default() };
    let mut client = HubClient::connect(&fixture.trust, &endpoint, device, &options).await.unwrap();
    let begun = std::time::Instant::now();
    let ended = tokio::time::timeout(PATIENCE, client.session().next()).await.unwrap();
    assert!(ended.is_err(), "{ended:?}");
    assert!(begun.elapsed() >= Duration::from_millis(1300), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_device_of_another_host_is_refused() {
    let fixture = Fixture::start().await;
    let device = device(&fixture, "pump").await;
    let (hub, _) = fixture.hub();
    let mut endpoint = fixture.endpoints.hub(&hub.host_name);
    // The TLS name is right, the user name is for someone else.
    let hello = device.hello(&endpoint, &HubOptions::default());
    let username = hello.username.map(|it| it.replace(&endpoint.host, "elsewhere.example.test"));
    let hello = muster_simulator::Hello { username, ..hello };
    endpoint.host = hub.host_name.clone();
    let refused = muster_simulator::Session::open(&fixture.trust, &endpoint, hello).await.err().unwrap();
    assert!(matches!(refused, OpenError::Refused { code: 5 }), "{refused:?}");
    assert_eq!(fixture.running.connections().refused, 1);
}
