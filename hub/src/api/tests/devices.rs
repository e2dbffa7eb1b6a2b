//! `/devices` as the SDKs use it.

use serde_json::json;

use super::*;

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
async fn ids_with_odd_characters_are_encoded_once() {
    let stage = stage().await;
    let created =
        put(&stage, &format!("/devices/a%2Bb%23c%3D%24?{VERSION}"), json!({ "deviceId": "a+b#c=$" }), None)
            .await;
    assert_eq!(created.body["deviceId"], "a+b#c=$");
    assert_eq!(get(&stage, &format!("/TWINS//a+b%23c=$/?{VERSION}")).await.body["deviceId"], "a+b#c=$");
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
