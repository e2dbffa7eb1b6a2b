//! A device renews over EST, and hears from its hub when to do so again.

use std::time::{Duration, Instant};

use base64::{Engine, prelude::BASE64_STANDARD};
use muster_simulator::{Device, DeviceKey, HubClient, HubOptions, Key, enrollments};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

use crate::web::ask;
use crate::{Fixture, PATIENCE};

/// From the answer of EST to what the device hears.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

/// base64 of a request in this name.
fn request(name: &str, key: &KeyPair) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    BASE64_STANDARD.encode(params.serialize_request(key).unwrap().der())
}

/// By HTTPS, with a request for a certificate; and the hub it is assigned to.
async fn registered(fixture: &Fixture, name: &str, group: &Key) -> (DeviceKey, String) {
    let scope = &fixture.endpoints.id_scope;
    let at = format!("/{scope}/registrations/{name}");
    let key = muster_sas::Key::from_base64(&group.derive(name).to_base64()).unwrap();
    let expires_s = jiff::Timestamp::now().as_second() + 600;
    let resource = format!("{scope}/registrations/{name}");
    let token = muster_sas::sign(&resource, &key, expires_s, Some("registration"));
    let pair = KeyPair::generate().unwrap();
    let body = json!({ "registrationId": name, "csr": request(name, &pair) }).to_string();
    let first = format!("PUT {at}/register?api-version=2021-06-01");
    let answer = fixture.web(&first, Some(&token), body.as_bytes()).await;
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    let operation = answer.json()["operationId"].as_str().unwrap().to_owned();
    let poll = format!("GET {at}/operations/{operation}?api-version=2021-06-01");
    let begun = Instant::now();
    let state = loop {
        let answer = fixture.web(&poll, Some(&token), b"").await;
        if answer.status == 200 {
            break answer.json()["registrationState"].clone();
        }
        assert!(begun.elapsed() < PATIENCE, "{}", String::from_utf8_lossy(&answer.body));
    };
    let chain = state["issuedCertificateChain"].as_array().unwrap_or_else(|| panic!("no chain in {state}"));
    let der = |text: &Value| CertificateDer::from(BASE64_STANDARD.decode(text.as_str().unwrap()).unwrap());
    let chain = chain.iter().map(der).collect();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.serialize_der()));
    (DeviceKey::X509 { chain, key }, state["assignedHub"].as_str().unwrap().to_owned())
}

/// By the certificate that it has, for a new key.
async fn renewed_by_est(fixture: &Fixture, name: &str, credential: &DeviceKey) {
    let https = fixture.https();
    let stream = fixture.trust.presenting(credential).unwrap().connect(&https).await.unwrap();
    let headers = [format!("Host: {}", https.host), "Content-Type: application/pkcs10".to_owned()];
    let body = request(name, &KeyPair::generate().unwrap());
    let answer = ask(stream, "POST /.well-known/est/simplereenroll", &headers, body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{} {}", answer.head, String::from_utf8_lossy(&answer.body));
}

async fn newest(fixture: &Fixture, holder: &str) -> Value {
    let listed = fixture.authority(&format!("GET /ca/certificates?holder={holder}"), &Value::Null).await;
    let listed = listed.json();
    listed["certificates"].as_array().and_then(|all| all.last()).unwrap_or_else(|| panic!("{listed}")).clone()
}

#[tokio::test]
async fn a_device_that_renews_by_est_hears_within_a_second_when_to_renew_again() {
    let fixture = Fixture::start().await;
    let key = Key::from_bytes(vec![7; 32]).unwrap();
    let mut group = enrollments::symmetric_group("line", &key);
    group["credentialPolicyName"] = json!("device");
    fixture.dps().put_group(&group).await.unwrap();
    let (credential, hub) = registered(&fixture, "Pump-1", &key).await;
    let endpoint = fixture.endpoints.hub(&hub);
    let entry = fixture.endpoints.hubs.iter().find(|it| it.host_name == hub).unwrap();
    let service = fixture.endpoints.hub_service(entry, &fixture.trust).unwrap();
    let device = Device::new("Pump-1", credential.clone());
    let mut client =
        HubClient::connect(&fixture.trust, &endpoint, device, &HubOptions::default()).await.unwrap();
    client.watch_desired().await.unwrap();
    let first = newest(&fixture, "pump-1").await;
    let told = async || {
        let twin = service.twin("Pump-1").await.unwrap();
        twin["properties"]["desired"]["muster"]["certificate"].clone()
    };
    assert_eq!(told().await["serial"], first["serial"]);

    renewed_by_est(&fixture, "Pump-1", &credential).await;
    let begun = Instant::now();
    let heard = tokio::time::timeout(PATIENCE, client.next_desired()).await.unwrap().unwrap();
    assert!(begun.elapsed() < TOLD_WITHIN, "{:?}", begun.elapsed());
    let second = newest(&fixture, "pump-1").await;
    assert_ne!(second["serial"], first["serial"]);
    let said = told().await;
    assert_eq!(said["serial"], second["serial"]);
    assert!(said["renewBy"].as_str() < said["notAfter"].as_str(), "{said}");
    assert_eq!(heard.patch["muster"]["certificate"], said);
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn a_device_that_was_made_at_the_hub_reads_in_its_twin_when_to_renew_what_it_was_given() {
    let fixture = Fixture::start().await;
    let (_, service) = fixture.hub();
    let identity = json!({ "deviceId": "Pump-2", "authentication": { "type": "certificateAuthority" } });
    service.put_device(&identity, None).await.unwrap();
    let csr = request("Pump-2", &KeyPair::generate().unwrap());
    let asked = json!({ "csr": csr, "subject": { "commonName": "Pump-2" } });
    let signed = fixture.authority("POST /ca/sign", &asked).await;
    assert_eq!(signed.status, 201, "{}", String::from_utf8_lossy(&signed.body));
    let signed = signed.json();
    crate::eventually_async("its twin tells of it", async || {
        let twin = service.twin("Pump-2").await.unwrap();
        twin["properties"]["desired"]["muster"]["certificate"]["serial"] == signed["serial"]
    })
    .await;
    fixture.running.shutdown().await;
}
