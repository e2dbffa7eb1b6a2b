//! Labels and credentials.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_credential_is_told_once_and_makes_its_label() {
    let api = Api::open().await;
    let wanted = json!({ "label": "lab1", "names": ["dev*"], "count": 2, "until": "2027-01-01T00:00:00Z" });
    let answer = api.ask(Method::POST, "/ca/est/credentials", wanted.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let made = answer.json();
    let (user, password) = (made["user"].as_str().unwrap(), made["password"].as_str().unwrap());
    assert!(user.starts_with("lab1-") && password.len() == 43, "{user}");
    assert_eq!(made["url"], "https://localhost/.well-known/est/lab1");
    assert_eq!((&made["kind"], &made["used"], &made["count"]), (&json!("basic"), &json!(0), &json!(2)));

    let label = api.ask(Method::GET, "/ca/est/labels/lab1", "").await.json();
    let expected = json!({
        "name": "lab1", "authority": "issuing", "profile": "device", "approval": "automatic",
        "serverKeygen": false, "popLink": "optional"
    });
    assert_eq!(label, expected);
    let listed = api.ask(Method::GET, "/ca/est/credentials?label=lab1", "").await;
    assert!(!String::from_utf8_lossy(&listed.body).contains(password));
    assert_eq!(listed.json()[0]["user"], user);
    assert_eq!(api.ask(Method::GET, "/ca/est/credentials?label=lab2", "").await.json(), json!([]));

    let gone = api.ask(Method::DELETE, &format!("/ca/est/credentials/{user}"), "").await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let again = api.ask(Method::DELETE, &format!("/ca/est/credentials/{user}"), "").await;
    assert_eq!(again.refusal(), (404, "CredentialNotFound".to_owned()));
    api.close().await;
}

#[tokio::test]
async fn a_label_is_set_and_removed_and_the_default_one_is_always_there() {
    let api = Api::open().await;
    assert_eq!(api.ask(Method::GET, "/ca/est/labels", "").await.json()[0]["name"], "default");
    let wanted = json!({ "profile": "edge-server", "base64": "single-line" });
    for name in ["default", "line-7"] {
        let put = api.ask(Method::PUT, &format!("/ca/est/labels/{name}"), wanted.to_string()).await;
        assert_eq!((put.status, &put.json()["name"]), (StatusCode::OK, &json!(name)));
    }
    let labels = api.ask(Method::GET, "/ca/est/labels", "").await.json();
    assert_eq!(labels.as_array().unwrap().len(), 2);
    for name in ["default", "line-7"] {
        let gone = api.ask(Method::DELETE, &format!("/ca/est/labels/{name}"), "").await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
    }
    let default = api.ask(Method::GET, "/ca/est/labels/default", "").await.json();
    assert_eq!(default["profile"], "device");
    let gone = api.ask(Method::GET, "/ca/est/labels/line-7", "").await;
    assert_eq!(gone.refusal(), (404, "LabelNotFound".to_owned()));
    api.close().await;
}

#[tokio::test]
async fn what_cannot_be_a_label_or_a_credential_is_refused_with_its_field() {
    let api = Api::open().await;
    for (name, body, code) in [
        ("simpleenroll", json!({}), "EstRefused"),
        ("Lab1", json!({}), "EstRefused"),
        ("lab1", json!({ "authority": "nobody" }), "AuthorityNotFound"),
        ("lab1", json!({ "profile": "nothing" }), "ProfileNotFound"),
        ("lab1", json!({ "base64": "hex" }), "Malformed"),
    ] {
        let answer = api.ask(Method::PUT, &format!("/ca/est/labels/{name}"), body.to_string()).await;
        assert_eq!(answer.refusal().1, code, "{name} {body}");
    }
    for (body, code) in [
        (json!({ "label": "cacerts" }), "EstRefused"),
        (json!({ "label": "lab1", "user": "Line 7" }), "EstRefused"),
        (json!({ "label": "lab1", "count": 0 }), "EstRefused"),
        (json!({ "label": "lab1", "kind": "one-time", "count": 2 }), "EstRefused"),
        (json!({ "label": "lab1", "until": "2020-01-01T00:00:00Z" }), "EstRefused"),
        (json!({ "label": "lab1", "names": ["{device}"] }), "EstRefused"),
        (json!({ "label": "lab1", "password": "secret" }), "Malformed"),
    ] {
        let answer = api.ask(Method::POST, "/ca/est/credentials", body.to_string()).await;
        assert_eq!(answer.refusal().1, code, "{body}");
    }
    let body = json!({ "label": "lab1", "user": "line-7" }).to_string();
    assert_eq!(api.ask(Method::POST, "/ca/est/credentials", body.clone()).await.status, StatusCode::CREATED);
    let again = api.ask(Method::POST, "/ca/est/credentials", body).await;
    assert_eq!(again.refusal(), (409, "CredentialExists".to_owned()));
    api.close().await;
}

#[tokio::test]
async fn somebody_looks_at_a_request_before_it_gets_its_certificate() {
    let api = Api::open().await;
    let put = api.ask(Method::PUT, "/ca/est/labels/plant", json!({ "approval": "manual" }).to_string()).await;
    assert_eq!(put.status, StatusCode::OK);
    let made =
        api.ask(Method::POST, "/ca/est/credentials", json!({ "label": "plant" }).to_string()).await.json();
    let user = format!("{}:{}", made["user"].as_str().unwrap(), made["password"].as_str().unwrap());
    let est = crate::est_router(api.ca.clone(), Arc::new(now));
    let csrs = ["pump-1", "pump-2"].map(csr);
    let enroll = async |csr: &muster_x509::Csr| {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/.well-known/est/plant/simpleenroll")
            .header("content-type", "application/pkcs10")
            .header("authorization", format!("Basic {}", STANDARD.encode(&user)))
            .body(Body::from(STANDARD.encode(csr.der())))
            .unwrap();
        est.clone().oneshot(request).await.unwrap().status()
    };
    for csr in &csrs {
        assert_eq!(enroll(csr).await, StatusCode::ACCEPTED);
        assert_eq!(enroll(csr).await, StatusCode::ACCEPTED, "as long as nobody looked");
    }
    let waiting = api.ask(Method::GET, "/ca/est/requests", "").await.json();
    assert_eq!(waiting.as_array().unwrap().len(), 2);
    let of = |subject: &str| waiting.as_array().unwrap().iter().find(|it| it["subject"] == subject).unwrap();
    let sent = of("CN=pump-1")["csr"].as_str().unwrap();
    assert_eq!(muster_x509::Csr::parse(sent.as_bytes()).unwrap().der(), csrs[0].der());
    let decide = async |subject: &str, verb: &str| {
        let path = format!("/ca/est/requests/{}/{verb}", of(subject)["id"].as_str().unwrap());
        api.ask(Method::POST, &path, "").await
    };
    assert_eq!(decide("CN=pump-1", "approve").await.status, StatusCode::NO_CONTENT);
    assert_eq!(decide("CN=pump-2", "deny").await.status, StatusCode::NO_CONTENT);
    assert_eq!(decide("CN=pump-2", "approve").await.refusal(), (404, "EstRequestNotFound".to_owned()));
    assert_eq!(enroll(&csrs[0]).await, StatusCode::OK);
    assert_eq!(enroll(&csrs[1]).await, StatusCode::FORBIDDEN);
    assert_eq!(api.ask(Method::GET, "/ca/est/requests", "").await.json(), json!([]));
    api.close().await;
}
