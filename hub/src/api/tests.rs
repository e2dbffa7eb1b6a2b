//! The REST side, asked as unmodified SDKs ask (bodies and headers are from captures of azure-iothub 1.16.6 and azure-iot-hub 2.7.0).

use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use muster_sas::sign;
use muster_store::Db;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::{
    Disconnect,
    tests::{HOST, Stage, device_id, hello, key, later, now, owner_key, peer, telemetry},
};

const VERSION: &str = "api-version=2021-04-12";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// What a test says beside method and path.
#[derive(Default)]
struct With<'a> {
    body: Option<Value>,
    if_match: Option<&'a str>,
    headers: &'a [(&'a str, &'a str)],
    token: Option<String>,
}

async fn stage() -> Stage {
    Stage::on(Db::open_memory().await.unwrap()).await
}

fn owner_token() -> String {
    sign(HOST, &owner_key(), later(3600).as_second(), Some("iothubowner"))
}

async fn ask(stage: &Stage, method: Method, path: &str, with: With<'_>) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", with.token.unwrap_or_else(owner_token))
        .header("content-type", "application/json; charset=utf-8")
        .extension(peer(Vec::new()));
    if let Some(if_match) = with.if_match {
        request = request.header("if-match", if_match);
    }
    for (name, value) in with.headers {
        request = request.header(*name, *value);
    }
    let body = with.body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let response = router(Arc::clone(&stage.hub)).oneshot(request.body(body).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
    Answer { status: parts.status, headers: parts.headers, body }
}

async fn get(stage: &Stage, path: &str) -> Answer {
    ask(stage, Method::GET, path, With::default()).await
}

async fn put(stage: &Stage, path: &str, body: Value, if_match: Option<&str>) -> Answer {
    ask(stage, Method::PUT, path, With { body: Some(body), if_match, ..With::default() }).await
}

async fn patch(stage: &Stage, path: &str, body: Value, if_match: Option<&str>) -> Answer {
    ask(stage, Method::PATCH, path, With { body: Some(body), if_match, ..With::default() }).await
}

fn assert_error(answer: &Answer, status: u16, name: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.header("iothub-errorcode")),
        (status, name),
        "{}",
        answer.body
    );
    let message = answer.body["Message"].as_str().unwrap();
    assert!(message.starts_with(&format!("ErrorCode:{name};")), "{message}");
    let tracking = answer.body["ExceptionMessage"].as_str().unwrap();
    assert!(
        tracking.starts_with("Tracking ID:") && tracking.ends_with("-TimeStamp:11/20/2026 21:57:20"),
        "{tracking}"
    );
}

#[tokio::test]
async fn the_registry_as_node_uses_it() {
    let stage = stage().await;
    let path = &format!("/devices/acc-reg-8e6c52cf?{VERSION}");
    let new = json!({
        "deviceId": "acc-reg-8e6c52cf", "status": "enabled", "statusReason": "new",
        "authentication": { "symmetricKey": {
            "primaryKey": "ssOwqoVlvQ4VZVenV2MXs5vR26FJ0ThL8DUEAPcmM4A=",
            "secondaryKey": "ZowFUGG5Z9OpMGKvIPr3l3VBQJMsXTYhkfWH7Csc/sA=" }, "type": "sas" }
    });
    let created = put(&stage, path, new.clone(), None).await;
    assert_eq!(created.status, StatusCode::OK);
    assert_eq!(created.header("content-type"), "application/json; charset=utf-8");
    let etag = created.body["etag"].as_str().unwrap();
    assert_eq!(created.header("etag"), format!("\"{etag}\""));
    assert_eq!(
        created.body,
        json!({
            "deviceId": "acc-reg-8e6c52cf",
            "generationId": created.body["generationId"],
            "etag": etag,
            "connectionState": "Disconnected",
            "status": "enabled",
            "statusReason": "new",
            "connectionStateUpdatedTime": "0001-01-01T00:00:00Z",
            "statusUpdatedTime": "0001-01-01T00:00:00Z",
            "lastActivityTime": "0001-01-01T00:00:00Z",
            "cloudToDeviceMessageCount": 0,
            "authentication": {
                "symmetricKey": new["authentication"]["symmetricKey"],
                "x509Thumbprint": { "primaryThumbprint": null, "secondaryThumbprint": null },
                "type": "sas"
            },
            "capabilities": { "iotEdge": false }
        })
    );

    assert_error(&put(&stage, path, new, None).await, 409, "DeviceAlreadyExists");
    assert_eq!(get(&stage, path).await.body, created.body);

    let disable = json!({
        "deviceId": "acc-reg-8e6c52cf", "status": "disabled", "statusReason": "broken",
        "authentication": { "type": "sas", "symmetricKey": { "primaryKey": "", "secondaryKey": "" } }
    });
    let updated = put(&stage, path, disable, Some("\"*\"")).await;
    assert_eq!((updated.status, &updated.body["status"]), (StatusCode::OK, &json!("disabled")));
    assert_eq!(updated.body["statusUpdatedTime"], "2026-11-20T21:57:20.0000000Z");
    assert_ne!(updated.body["etag"], created.body["etag"]);
    let minted = updated.body["authentication"]["symmetricKey"]["primaryKey"].as_str().unwrap();
    assert_eq!(minted.len(), 44, "empty keys ask for new ones");

    let stale = put(&stage, path, json!({}), Some(created.header("etag"))).await;
    assert_error(&stale, 412, "PreconditionFailed");
    assert_error(&get(&stage, &format!("/devices/nobody?{VERSION}")).await, 404, "DeviceNotFound");
    let missing = put(&stage, &format!("/devices/nobody?{VERSION}"), json!({}), Some("*")).await;
    assert_error(&missing, 404, "DeviceNotFound");

    let listed = get(&stage, &format!("/devices/?{VERSION}")).await;
    assert_eq!(listed.body, json!([updated.body]));
    let counted = get(&stage, &format!("/statistics/devices?{VERSION}")).await;
    assert_eq!(
        counted.body,
        json!({ "totalDeviceCount": 1, "enabledDeviceCount": 0, "disabledDeviceCount": 1 })
    );

    assert_error(&ask(&stage, Method::DELETE, path, With::default()).await, 412, "PreconditionFailed");
    let any = With { if_match: Some("*"), ..With::default() };
    let deleted = ask(&stage, Method::DELETE, path, any).await;
    assert_eq!((deleted.status, deleted.body), (StatusCode::NO_CONTENT, Value::Null));
}

#[tokio::test]
async fn twins_as_node_and_python_use_them() {
    let stage = stage().await;
    stage.device("d").await;
    let path = &format!("/twins/d?{VERSION}");
    let fresh = get(&stage, path).await;
    let stamp = "2026-11-20T21:57:20.0000000Z";
    let metadata = json!({ "$lastUpdated": stamp, "$lastUpdatedVersion": 1 });
    assert_eq!(fresh.header("etag"), "\"AAAAAAAAAAE=\"");
    assert_eq!(
        fresh.body,
        json!({
            "deviceId": "d",
            "etag": "AAAAAAAAAAE=",
            "deviceEtag": fresh.body["deviceEtag"],
            "status": "enabled",
            "statusReason": null,
            "statusUpdateTime": "0001-01-01T00:00:00Z",
            "connectionState": "Disconnected",
            "lastActivityTime": "0001-01-01T00:00:00Z",
            "cloudToDeviceMessageCount": 0,
            "authenticationType": "sas",
            "x509Thumbprint": { "primaryThumbprint": null, "secondaryThumbprint": null },
            "modelId": "",
            "version": 2,
            "tags": {},
            "properties": {
                "desired": { "$metadata": metadata, "$version": 1 },
                "reported": { "$metadata": { "$lastUpdated": stamp }, "$version": 1 }
            },
            "capabilities": { "iotEdge": false }
        })
    );

    let change = json!({
        "tags": { "site": { "floor": 2, "room": "a" } },
        "properties": { "desired": { "cfg": { "a": 1, "b": [1, 2] }, "s": "x" } }
    });
    let changed = patch(&stage, path, change, Some(fresh.header("etag"))).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!((&changed.body["version"], &changed.body["etag"]), (&json!(3), &json!("AAAAAAAAAAI=")));
    assert_eq!(changed.body["properties"]["desired"]["$metadata"]["cfg"]["b"]["$lastUpdatedVersion"], 2);

    let stale =
        patch(&stage, path, json!({ "tags": { "site": { "floor": 9 } } }), Some(fresh.header("etag"))).await;
    assert_error(&stale, 412, "PreconditionFailed");

    let removal = json!({ "tags": { "site": { "room": null } }, "properties": { "desired": { "cfg": { "a": null } } } });
    let removed = patch(&stage, path, removal, Some("\"*\"")).await;
    assert_eq!(removed.body["tags"], json!({ "site": { "floor": 2 } }));
    assert_eq!(removed.body["properties"]["desired"]["cfg"], json!({ "b": [1, 2] }));
    assert_eq!(removed.body["properties"]["desired"]["$version"], 3);

    let replaced = put(&stage, path, json!({ "properties": { "desired": { "only": 1 } } }), None).await;
    assert_eq!(replaced.body["properties"]["desired"]["only"], 1);
    assert_eq!(replaced.body["properties"]["desired"].get("cfg"), None);

    assert_error(&patch(&stage, path, json!({ "tags": { "a.b": 1 } }), None).await, 400, "ArgumentInvalid");
    assert_error(&get(&stage, &format!("/twins/nobody?{VERSION}")).await, 404, "DeviceNotFound");
    let missing = patch(&stage, &format!("/twins/nobody?{VERSION}"), json!({ "tags": {} }), None).await;
    assert_error(&missing, 404, "DeviceNotFound");
}

#[tokio::test]
async fn java_patches_a_twin_with_post() {
    let stage = stage().await;
    stage.device("d").await;
    let with = With {
        body: Some(json!({ "tags": { "by": "java" } })),
        headers: &[("X-HTTP-Method-Override", "PATCH")],
        ..With::default()
    };
    let answer = ask(&stage, Method::POST, &format!("/twins/d?{VERSION}"), with).await;
    assert_eq!((answer.status, &answer.body["tags"]), (StatusCode::OK, &json!({ "by": "java" })));
}

#[tokio::test]
async fn a_token_opens_what_its_policy_has_the_right_to() {
    let stage = stage().await;
    stage.device("d").await;
    let policy = |name: &str, number: u8| sign(HOST, &key(number), later(3600).as_second(), Some(name));
    let asked = async |method: Method, path: &str, token: String, if_match| {
        let with = With { body: Some(json!({})), if_match, token: Some(token), ..With::default() };
        ask(&stage, method, &format!("{path}?{VERSION}"), with).await
    };
    let (read, service, device) = (("registryRead", 91), ("service", 92), ("device", 93));
    let cases = [
        (Method::GET, "/devices/d", read, 200),
        (Method::GET, "/devices/d", service, 401),
        (Method::GET, "/devices", device, 401),
        (Method::PUT, "/devices/d", read, 401),
        (Method::DELETE, "/devices/d", service, 401),
        (Method::GET, "/twins/d", read, 401),
        (Method::GET, "/twins/d", service, 200),
        (Method::PATCH, "/twins/d", service, 200),
        (Method::GET, "/events", service, 200),
        (Method::GET, "/events", read, 401),
        (Method::GET, "/statistics/service", read, 200),
    ];
    for (method, path, (name, number), status) in cases {
        let answer = asked(method.clone(), path, policy(name, number), Some("*")).await;
        assert_eq!(answer.status.as_u16(), status, "{name} {method} {path}: {}", answer.body);
    }

    let expiry = later(3600).as_second();
    let refused = [
        ("wrong key", sign(HOST, &key(1), expiry, Some("service"))),
        ("expired", sign(HOST, &owner_key(), later(-301).as_second(), Some("iothubowner"))),
        ("another host", sign("other.test", &owner_key(), expiry, Some("iothubowner"))),
        ("another device", sign(&format!("{HOST}/devices/e"), &owner_key(), expiry, Some("iothubowner"))),
        ("a device's own token", sign(&format!("{HOST}/devices/d"), &key(1), expiry, None)),
        ("no token at all", "hello".to_owned()),
    ];
    for (what, token) in refused {
        let answer = asked(Method::GET, "/devices/d", token, None).await;
        assert_error(&answer, 401, "IotHubUnauthorizedAccess");
        assert_eq!(answer.body["Message"], "ErrorCode:IotHubUnauthorizedAccess;Unauthorized", "{what}");
    }
    let narrow = sign(&format!("{HOST}/devices/d"), &owner_key(), expiry, Some("iothubowner"));
    assert_eq!(asked(Method::GET, "/devices/d", narrow, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn requests_that_make_no_sense_are_told_so() {
    let stage = stage().await;
    assert_error(&get(&stage, "/devices/d").await, 400, "InvalidProtocolVersion");
    assert_error(&get(&stage, &format!("/devices/a%20b?{VERSION}")).await, 400, "ArgumentInvalid");
    assert_error(&get(&stage, &format!("/devices?top=many&{VERSION}")).await, 400, "ArgumentInvalid");
    assert_error(&get(&stage, &format!("/nowhere?{VERSION}")).await, 404, "GenericNotFound");
    let delete = ask(&stage, Method::DELETE, &format!("/twins/d?{VERSION}"), With::default()).await;
    assert_error(&delete, 405, "OperationNotAllowedInCurrentState");
    let query = ask(&stage, Method::POST, &format!("/devices/query?{VERSION}"), With::default()).await;
    assert_error(&query, 404, "FeatureNotSupported");
    assert_error(
        &put(&stage, &format!("/devices/d?{VERSION}"), json!([]), None).await,
        400,
        "ArgumentInvalid",
    );
    let huge = json!({ "statusReason": "x".repeat(BODY_BYTES_MAX) });
    assert_error(&put(&stage, &format!("/devices/d?{VERSION}"), huge, None).await, 413, "MessageTooLarge");
}

#[tokio::test]
async fn ids_with_odd_characters_are_encoded_once() {
    let stage = stage().await;
    let created =
        put(&stage, &format!("/devices/a%2Bb%23c%3D%24?{VERSION}"), json!({ "deviceId": "a+b#c=$" }), None)
            .await;
    assert_eq!(created.body["deviceId"], "a+b#c=$");
    assert_eq!(get(&stage, &format!("/TWINS//a+b%23c=$/?{VERSION}")).await.body["deviceId"], "a+b#c=$");
}

#[tokio::test]
async fn connection_state_and_its_reasons_are_shown() {
    let stage = stage().await;
    let session = stage.connected("d").await.session;
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

    stage.hub.disconnected(session, Disconnect::ForbiddenTopic("hello".to_owned()), later(7)).await;
    let shown = state().await;
    assert_eq!(
        (&shown["connectionState"], &shown["connectionStateUpdatedTime"]),
        (&json!("Disconnected"), &json!("2026-11-20T21:57:27.0000000Z"))
    );
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

#[tokio::test]
async fn modules_are_an_empty_list_or_a_clear_no() {
    let stage = stage().await;
    let id = stage.device("d").await;
    assert_eq!(id, device_id("d"));
    assert_eq!(get(&stage, &format!("/devices/d/modules?{VERSION}")).await.body, json!([]));
    assert_error(&get(&stage, &format!("/devices/e/modules?{VERSION}")).await, 404, "DeviceNotFound");
    let create = put(&stage, &format!("/devices/d/modules/m1?{VERSION}"), json!({}), None).await;
    assert_error(&create, 404, "FeatureNotSupported");
}
