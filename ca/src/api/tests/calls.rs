//! Calls that succeed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_certificate_is_asked_for_found_and_renewed() {
    let api = Api::open().await;
    let sign = json!({
        "profile": "device",
        "csr": csr_pem("pump-1"),
        "subject": { "commonName": "pump-1", "serialNumber": "A-17", "uris": ["urn:example:pump-1"] },
        "holder": { "name": "pump-1", "generation": "g1" },
        "notAfter": "2026-12-24T00:00:00Z",
    });
    let answer = api.ask(Method::POST, "/ca/sign", sign.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let issued = answer.json();
    assert_eq!(issued["profile"], "device@1");
    assert_eq!(issued["subject"], "SERIALNUMBER=A-17,CN=pump-1");
    assert_eq!(
        (&issued["notAfter"], &issued["renewAfter"]),
        (&json!("2026-12-24T00:00:00Z"), &json!("2026-12-12T19:58:20Z"))
    );
    assert_eq!(issued["remarks"], json!([]));
    let chain = muster_x509::read_certificates(issued["chain"].as_str().unwrap()).unwrap();
    assert_eq!(chain.len(), 2);

    let serial = issued["serial"].as_str().unwrap();
    let colons = serial
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap())
        .collect::<Vec<_>>()
        .join(":");
    for path in [
        format!("/ca/certificates/{serial}"),
        format!("/ca/certificates/{}", colons.to_uppercase()),
        format!("/ca/certificates/{serial}?authority=issuing"),
    ] {
        let found = api.ask(Method::GET, &path, "").await.json();
        assert_eq!((&found["certificate"], &found["subject"]), (&issued["certificate"], &issued["subject"]));
        assert_eq!(
            (&found["stage"], &found["holder"], &found["generation"]),
            (&json!("issued"), &json!("pump-1"), &json!("g1"))
        );
        assert_eq!(found["requestedBy"], "process muster");
    }
    let other = json!({ "certificate": issued["certificate"], "csr": csr_pem("pump-1") });
    let other = api.ask(Method::POST, "/ca/renew", other.to_string()).await;
    assert_eq!(other.refusal(), (403, "OtherIdentity".to_owned()));
    let der = STANDARD.encode(csr("").der());
    let renew = json!({ "certificate": issued["certificate"], "csr": der });
    let renewed = api.ask(Method::POST, "/ca/renew", renew.to_string()).await;
    assert_eq!(renewed.status, StatusCode::CREATED);
    assert_eq!(renewed.json()["subject"], issued["subject"]);

    let page = api.ask(Method::GET, "/ca/certificates?holder=pump-1&max=1", "").await.json();
    assert_eq!(page["certificates"].as_array().unwrap().len(), 1);
    let next = format!("/ca/certificates?holder=pump-1&max=1&continuation={}", page["continuation"]);
    let last = api.ask(Method::GET, &next, "").await.json();
    assert_eq!(last["certificates"][0]["serial"], renewed.json()["serial"]);
    assert!(last.get("continuation").is_none() && last["certificates"][0].get("certificate").is_none());
    api.close().await;
}

#[tokio::test]
async fn an_idempotency_key_makes_asking_again_safe() {
    let api = Api::open().await;
    let sign = json!({ "csr": csr_pem("pump-1"), "subject": { "commonName": "pump-1" } }).to_string();
    let ask = async || {
        let mut request = asked(Method::POST, "/ca/sign", Caller::process(), sign.clone());
        request.headers_mut().insert("idempotency-key", "7f3a".parse().unwrap());
        api.send(request).await
    };
    let (first, second) = (ask().await, ask().await);
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(first.json()["certificate"], second.json()["certificate"]);
    api.close().await;
}

#[tokio::test]
async fn the_hierarchy_is_told() {
    let api = Api::open().await;
    let authorities = api.ask(Method::GET, "/ca/authorities", "").await.json();
    let ids: Vec<_> =
        authorities.as_array().unwrap().iter().map(|it| (it["id"].as_str(), it["parent"].as_str())).collect();
    assert_eq!(ids, [(Some("issuing"), Some("root")), (Some("root"), None)]);
    assert_eq!((&authorities[0]["state"], &authorities[0]["crlShards"]), (&json!("active"), &json!(64)));
    assert!(authorities[0]["certificate"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    api.close().await;
}

#[tokio::test]
async fn profiles_are_written_read_and_retired() {
    let api = Api::open().await;
    let list = api.ask(Method::GET, "/ca/profiles", "").await.json();
    let names: Vec<_> = list.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["device", "edge-server", "idevid", "sub-ca", "tls-server"]);
    let device = api.ask(Method::GET, "/ca/profiles/device", "").await.json();
    let source = device["source"].as_str().unwrap().replace("90d", "30d");
    let put = api.ask(Method::PUT, "/ca/profiles/device", json!({ "source": source }).to_string()).await;
    assert_eq!((put.status, &put.json()["version"]), (StatusCode::OK, &json!(2)));
    let mut toml = asked(
        Method::PUT,
        "/ca/profiles/short",
        Caller::process(),
        source.replace("name = \"device\"", "name = \"short\""),
    );
    toml.headers_mut().insert("content-type", "application/toml".parse().unwrap());
    assert_eq!(api.send(toml).await.status, StatusCode::CREATED);
    assert_eq!(api.ask(Method::GET, "/ca/profiles/device@1", "").await.json()["source"], device["source"]);
    assert_eq!(api.ask(Method::DELETE, "/ca/profiles/short", "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        api.ask(Method::GET, "/ca/profiles/short", "").await.refusal(),
        (404, "ProfileNotFound".to_owned())
    );
    api.close().await;
}

#[tokio::test]
async fn a_grant_opens_what_was_closed_and_a_blocked_key_closes_it() {
    let api = Api::open().await;
    let sign = json!({ "csr": csr_pem("pump-1"), "subject": { "commonName": "pump-1" } }).to_string();
    let ask = async || api.send(asked(Method::POST, "/ca/sign", operator("line-1"), sign.clone())).await;
    assert_eq!(ask().await.refusal(), (403, "NotGranted".to_owned()));
    let grant = json!({
        "to": "policy:line-*", "authority": "issuing", "profile": "device", "names": ["pump-*"],
        "quota": { "perDay": 2 }, "rate": { "perMinute": 60, "burst": 10 }, "until": "2027-01-01T00:00:00Z",
    });
    let put = api.ask(Method::PUT, "/ca/grants/lines", grant.to_string()).await;
    assert_eq!(put.json()["id"], "lines");
    assert_eq!(api.ask(Method::GET, "/ca/grants", "").await.json()[0], put.json());
    assert_eq!(ask().await.status, StatusCode::CREATED);

    let csr: serde_json::Value = serde_json::from_str(&sign).unwrap();
    let csr = muster_x509::Csr::parse(csr["csr"].as_str().unwrap().as_bytes()).unwrap();
    let key = format!("/ca/blocked-keys/{}", hex::encode(crate::log::sha256(&[csr.spki_der()])));
    let put = api.ask(Method::PUT, &key, json!({ "reason": "published" }).to_string()).await;
    assert_eq!(put.status, StatusCode::NO_CONTENT);
    assert_eq!(ask().await.refusal(), (400, "KeyRefused".to_owned()));
    assert_eq!(api.ask(Method::DELETE, &key, "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.ask(Method::DELETE, &key, "").await.refusal(), (404, "KeyNotBlocked".to_owned()));

    assert_eq!(ask().await.status, StatusCode::CREATED);
    let exceeded = ask().await;
    assert_eq!(exceeded.refusal(), (429, "QuotaExceeded".to_owned()));
    assert_eq!(exceeded.retry_after.as_deref(), Some("43200"));
    assert_eq!(api.ask(Method::DELETE, "/ca/grants/lines", "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask().await.refusal(), (403, "NotGranted".to_owned()));
    api.close().await;
}
