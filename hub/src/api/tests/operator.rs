//! What an operator looks at: connection states with their reasons, and the event log.

use serde_json::json;

use super::*;
use crate::{
    Disconnect, Hello,
    tests::{hello, now, telemetry},
};

#[tokio::test]
async fn connection_state_and_its_reasons_are_shown() {
    let stage = stage().await;
    stage.device("d").await;
    let model_id = Some("dtmi:com:example:pump;1".to_owned());
    let product = Some("azure-iot-device-iothub-py/2.14.0".to_owned());
    let session = stage.hub.connect(Hello { model_id, product, ..hello("d") }, now()).await.unwrap().session;
    let state = async || get(&stage, &format!("/devices/d?{VERSION}")).await.body;
    let shown = state().await;
    assert_eq!(
        (&shown["connectionState"], &shown["lastActivityTime"]),
        (&json!("Connected"), &json!("2026-11-20T21:57:20.0000000Z"))
    );
    assert_eq!(get(&stage, &format!("/twins/d?{VERSION}")).await.body["connectionState"], "Connected");
    assert_eq!(
        get(&stage, &format!("/statistics/service?{VERSION}")).await.body,
        json!({ "connectedDeviceCount": 1 })
    );

    let told = get(&stage, &format!("/devices/d/lastDisconnect?{VERSION}")).await.body;
    assert_eq!(
        (&told["product"], &told["disconnected"]),
        (&json!("azure-iot-device-iothub-py/2.14.0"), &Value::Null)
    );

    stage.hub.disconnected(session, Disconnect::ForbiddenTopic("hello".to_owned()), later(7)).await;
    let shown = state().await;
    assert_eq!(
        (&shown["connectionState"], &shown["connectionStateUpdatedTime"]),
        (&json!("Disconnected"), &json!("2026-11-20T21:57:27.0000000Z"))
    );
    assert_eq!(get(&stage, &format!("/twins/d?{VERSION}")).await.body["modelId"], "dtmi:com:example:pump;1");
    let why = async |id: &str| get(&stage, &format!("/devices/{id}/lastDisconnect?{VERSION}")).await;
    let told = why("d").await.body;
    let reason = "topic `hello` is not one this device may publish to; check the device id in it";
    assert_eq!(told["disconnected"], json!({ "at": "2026-11-20T21:57:27.0000000Z", "reason": reason }));
    assert_eq!(told["refused"], Value::Null);

    assert_error(&why("stranger").await, 404, "DeviceNotFound");
    assert!(stage.hub.connect(hello("stranger"), now()).await.is_err());
    assert_eq!(why("stranger").await.body["refused"]["reason"], "device is not in the registry");
}

#[tokio::test]
async fn the_event_log_is_read_and_followed() {
    let stage = stage().await;
    let mut session = stage.connected("d").await.session;
    let mut other = stage.connected("e").await.session;
    let bodies = ["a", "b", "c"];
    for body in bodies {
        stage.say(&mut session, vec![telemetry(1, body)]).await;
        stage.say(&mut other, vec![telemetry(1, "of another")]).await;
    }
    let partition = stage.hub.log().partition_of("d");
    let read = async |query: &str| {
        get(&stage, &format!("/events?partition={partition}&{query}&{VERSION}")).await.body
    };

    let all = read("device=d").await;
    let events = all["events"].as_array().unwrap();
    assert_eq!(events.iter().map(|event| event["body"].as_str().unwrap()).collect::<Vec<_>>(), bodies);
    assert_eq!((&events[0]["deviceId"], &events[0]["properties"]), (&json!("d"), &json!({ "k": "v" })));

    let next = all["nextOffset"].as_u64().unwrap();
    let rest = read(&format!("from={next}&wait_s=0")).await;
    assert_eq!((&rest["events"], &rest["nextOffset"]), (&json!([]), &json!(next)));
    let page = read("max=1").await;
    assert_eq!((page["events"].as_array().unwrap().len(), &page["nextOffset"]), (1, &json!(1)));

    let wait = read("from=latest&wait_s=30");
    let publish = async {
        tokio::task::yield_now().await;
        stage.say(&mut session, vec![telemetry(1, "live")]).await;
    };
    let (followed, ()) = futures::future::join(wait, publish).await;
    assert_eq!(followed["events"][0]["body"], "live");

    let partitions = get(&stage, &format!("/events/partitions?{VERSION}")).await.body;
    assert_eq!(partitions.as_array().unwrap().len(), usize::from(stage.hub.log().partitions()));
    assert_error(&get(&stage, &format!("/events?partition=99&{VERSION}")).await, 404, "PartitionNotFound");
}
