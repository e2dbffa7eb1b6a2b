//! The REST side, asked as unmodified SDKs ask (bodies and headers are from captures of azure-iothub 1.16.6 and azure-iot-hub 2.7.0).

mod devices;
mod operator;
mod twins;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use muster_sas::sign;
use muster_store::Db;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::tests::{HOST, Stage, device_id, key, later, owner_key, peer};

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
