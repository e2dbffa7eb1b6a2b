//! `/twins` as the SDKs use it.

use serde_json::json;

use super::*;

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
