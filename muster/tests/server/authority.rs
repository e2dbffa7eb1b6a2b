//! The certificate authority behind its doors: `/ca` by token, and what a stop leaves.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use muster_ca::{Ca, Settings};
use muster_simulator::Endpoint;
use muster_store::Db;
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use serde_json::{Value, json};

use crate::Fixture;
use crate::web::{ask, token};

/// For a key, and nothing else: the name is said beside it.
pub(crate) fn csr(key: &KeyPair) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.serialize_request(key).unwrap().pem().unwrap()
}

fn sign_request() -> Value {
    json!({ "csr": csr(&KeyPair::generate().unwrap()), "subject": { "commonName": "pump-1" } })
}

#[tokio::test]
async fn the_owner_of_a_fresh_server_gets_a_certificate_at_once() {
    let fixture = Fixture::start().await;
    let signed = fixture.authority("POST /ca/sign", &sign_request()).await;
    assert_eq!(signed.status, 201, "{}", String::from_utf8_lossy(&signed.body));
    let signed = signed.json();
    let listed = fixture.authority("GET /ca/certificates", &Value::Null).await.json();
    assert!(listed.to_string().contains(signed["serial"].as_str().unwrap()), "{listed}");
    let grants = fixture.authority("GET /ca/grants", &Value::Null).await.json();
    assert_eq!((&grants[0]["id"], &grants[0]["to"]), (&json!("owner"), &json!("policy:caowner")));
    let audited = fixture.authority("GET /ca/audit", &Value::Null).await.json().to_string();
    assert!(audited.contains("grant/owner") && audited.contains("sign-in"), "{audited}");
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn only_a_good_token_of_its_own_policies_opens_the_authority() {
    let fixture = Fixture::start().await;
    let endpoints = fixture.running.endpoints().clone();
    let owner = token(&endpoints.ca.service_connection_string, 600);
    let provisioning = token(&endpoints.dps.service_connection_string, 600);
    let expired = token(&endpoints.ca.service_connection_string, -3600);
    let renamed = owner.replace("skn=caowner", "skn=nobody");
    for stranger in [None, Some("Basic dTpw"), Some(&provisioning), Some(&expired), Some(&renamed)] {
        let refused = fixture.web("GET /ca/authorities", stranger, b"").await;
        assert_eq!(refused.status, 401, "{stranger:?}");
        assert!(refused.head.contains("www-authenticate: sharedaccesssignature"), "{}", refused.head);
        let shape = refused.json();
        assert_eq!(shape["errorCode"], "Unauthorized");
        assert_eq!(shape["trackingId"].as_str().unwrap().len(), 32);
    }
    assert_eq!(fixture.web("GET /ca/authorities", Some(&owner), b"").await.status, 200);
    // And it opens nothing else.
    assert_eq!(fixture.web("GET /enrollments/x?api-version=2021-10-01", Some(&owner), b"").await.status, 401);
    let audited = fixture.web("GET /ca/audit", Some(&owner), b"").await.json().to_string();
    assert!(audited.contains("there is no policy `nobody`"), "{audited}");
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn a_policy_does_what_its_rights_say() {
    let fixture = Fixture::start().await;
    let path = fixture.folder.path().join("keys.json");
    let mut keys: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let mut line = keys["ca"][0].clone();
    (line["name"], line["rights"]) = (json!("line-1"), json!("CaRequest"));
    keys["ca"].as_array_mut().unwrap().push(line);
    let Fixture { running, folder, .. } = fixture;
    let owner = running.endpoints().ca.service_connection_string.to_string();
    running.shutdown().await;
    std::fs::write(&path, keys.to_string()).unwrap();
    let fixture = Fixture::on(muster::config::Config::on_free_ports(), folder).await;
    let line = token(&owner.replace("caowner", "line-1"), 600);
    let refused = fixture.web("GET /ca/authorities", Some(&line), b"").await;
    assert_eq!((refused.status, refused.json()["errorCode"].clone()), (403, json!("Forbidden")));
    assert!(refused.json()["message"].as_str().unwrap().contains("CaRead"), "{}", refused.json());
    // It may ask, and has no grant yet.
    let asked = fixture.web("POST /ca/sign", Some(&line), sign_request().to_string().as_bytes()).await;
    assert_eq!((asked.status, asked.json()["errorCode"].clone()), (403, json!("NotGranted")));
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn many_requests_in_one_are_longer_than_a_body_may_be_otherwise() {
    let mut config = muster::config::Config::on_free_ports();
    config.limits.request_body_bytes_max = 2000;
    let fixture = Fixture::with(config).await;
    let line = |n: u32| {
        let csr = csr(&KeyPair::generate().unwrap());
        json!({ "id": format!("d-{n}"), "csr": csr, "subject": { "commonName": format!("d-{n}") } })
    };
    let lines: String = (0..12).map(|n| format!("{}\n", line(n))).collect();
    assert!(lines.len() > 4000);
    let owner = token(&fixture.running.endpoints().ca.service_connection_string, 600);
    let answer = fixture.web("POST /ca/bulk?profile=device", Some(&owner), lines.as_bytes()).await;
    let text = String::from_utf8(answer.body).unwrap();
    assert_eq!(text.lines().count(), 12, "{text}");
    assert!(text.lines().all(|line| line.contains("BEGIN CERTIFICATE")), "{text}");
    let refused = fixture.web("POST /ca/sign", Some(&owner), lines.as_bytes()).await;
    assert_eq!(refused.status, 413);
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn the_address_that_is_listened_on_is_a_name_of_the_authority() {
    for listen in ["listen = \"127.0.0.1\"", "listen = \"0.0.0.0\""] {
        let ports = "ports = { mqtts = 0, https = 0, amqps = 0, http = 0 }";
        let config = muster::config::Config::parse(&format!("{listen}\n{ports}")).unwrap();
        let fixture = Fixture::with(config).await;
        let address = format!("127.0.0.1:{}", fixture.endpoints.ports.https).parse().unwrap();
        let owner = token(&fixture.running.endpoints().ca.service_connection_string, 600);
        let at = Endpoint::new(address, "127.0.0.1");
        let answer = fixture.web_at(&at, "GET /ca/authorities", Some(&owner), b"").await;
        assert_eq!(answer.status, 200, "{listen}");
        fixture.running.shutdown().await;
    }
}

#[tokio::test]
async fn est_is_on_the_same_host_and_asks_for_credentials_of_its_own() {
    let fixture = Fixture::start().await;
    let asked = json!({ "label": "lab1" });
    let credential = fixture.authority("POST /ca/est/credentials", &asked).await;
    assert_eq!(credential.status, 201, "{}", String::from_utf8_lossy(&credential.body));
    let credential = credential.json();
    let https = fixture.endpoints.ports.https;
    assert_eq!(credential["url"], format!("https://localhost:{https}/.well-known/est/lab1"));
    let anchors = fixture.web("GET /.well-known/est/lab1/cacerts", None, b"").await;
    assert_eq!(anchors.status, 200, "{}", anchors.head);
    let owner = token(&fixture.running.endpoints().ca.service_connection_string, 600);
    let stream = fixture.trust.connect(&fixture.https()).await.unwrap();
    let headers = ["Host: localhost", "Content-Type: application/pkcs10", &format!("Authorization: {owner}")];
    let headers = headers.map(str::to_owned);
    let stranger = ask(stream, "POST /.well-known/est/lab1/simpleenroll", &headers, b"x").await;
    assert_eq!(stranger.status, 401, "{}", stranger.head);
    fixture.running.shutdown().await;
}

async fn reopened(folder: &Path) -> Arc<Ca> {
    let db = Db::open_sqlite(&folder.join("muster.db")).await.unwrap();
    let entropy: muster_ca::Entropy = Arc::new(|bytes| aws_lc_rs::rand::fill(bytes).unwrap());
    Ca::open(Settings::new(folder), db, entropy, Timestamp::now()).await.unwrap()
}

#[tokio::test]
async fn a_clean_stop_leaves_the_end_of_the_logs_signed() {
    let fixture = Fixture::start().await;
    let signed = fixture.authority("POST /ca/sign", &sign_request()).await.json();
    let Fixture { running, folder, .. } = fixture;
    running.shutdown().await;
    let ca = reopened(folder.path()).await;
    let now = Timestamp::now();
    let left = ca.latest_checkpoint(now).await.unwrap().unwrap();
    // Nothing came after it, or another would be signed now.
    let end = ca.checkpoint(now).await.unwrap();
    assert_eq!((left.signed, left.chain.entries), (end.signed, end.chain.entries));
    assert!(signed["logIndex"].as_u64().unwrap() < left.size, "{signed}");
}
