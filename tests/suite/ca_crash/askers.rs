//! Those who ask for certificates, each by another way, and go on asking whatever becomes of the server.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Method;
use muster_simulator::{Answer, ConnectionString, Key, ServiceClient, enrollments};
use muster_x509::{Certificate, read_certificates};
use serde_json::{Value, json};

use super::{Place, Received};

const AGAIN: Duration = Duration::from_millis(10);
const API_VERSION: &str = "api-version=2025-07-01-preview";
const GROUP: &str = "pumps";
const GROUP_KEY: [u8; 32] = *b"the group key of a killed server";

/// A device's request, made by openssl.
pub(super) fn request(folder: &Path, name: &str) -> String {
    let (key, csr) = (folder.join(format!("{name}.key")), folder.join(format!("{name}.csr")));
    let mut command = Command::new("openssl");
    command.args(["req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    command.args(["-subj", &format!("/CN={name}"), "-keyout"]).arg(key).arg("-out").arg(&csr);
    assert!(command.output().unwrap().status.success(), "openssl req");
    fs::read_to_string(csr).unwrap()
}

/// Asks for one certificate after the other, whatever becomes of the server.
pub(super) async fn ask_on(place: Place, client: usize, body: Value, stop: Arc<AtomicBool>) -> Vec<Received> {
    let mut received = Vec::new();
    let mut asking = place.client().await;
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let idempotency_key = client.is_multiple_of(2).then(|| format!("{client}-{number}"));
        match sign(&asking, &body, idempotency_key.as_deref()).await {
            Some(answer) => {
                received.push(Received::from(&answer, idempotency_key));
                number += 1;
            }
            None => {
                tokio::time::sleep(AGAIN).await;
                asking = place.client().await;
            }
        }
    }
    received
}

/// None when nobody answers, or not now.
pub(super) async fn sign(
    client: &ServiceClient,
    body: &Value,
    idempotency_key: Option<&str>,
) -> Option<Answer> {
    let headers: Vec<_> = idempotency_key.iter().map(|key| ("idempotency-key", *key)).collect();
    let answer = client.call(Method::POST, "/ca/sign", &headers, Some(body)).await.ok()?;
    match answer.status {
        200 | 201 => Some(answer),
        409 | 503 => None,
        status => panic!("{status}: {}", answer.body),
    }
}

impl Received {
    /// As EST and registrations answer.
    fn without_more(certificate: Certificate) -> Self {
        let serial = certificate.serial_hex().to_ascii_lowercase();
        Self { serial, log_index: None, certificate, idempotency_key: None }
    }

    fn from(answer: &Answer, idempotency_key: Option<String>) -> Self {
        let pem = answer.body["certificate"].as_str().unwrap();
        Self {
            serial: answer.body["serial"].as_str().unwrap().to_owned(),
            log_index: Some(answer.body["logIndex"].as_u64().unwrap()),
            certificate: read_certificates(pem).unwrap().remove(0),
            idempotency_key,
        }
    }
}

/// A factory's line: curl and openssl over EST, whatever becomes of the server.
pub(super) fn enroll_on(place: &Place, credential: &Value, stop: &AtomicBool) -> Vec<Received> {
    let mut name = String::new();
    let user =
        format!("{}:{}", credential["user"].as_str().unwrap(), credential["password"].as_str().unwrap());
    let mut received = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        // The same request again gets the same certificate: the next one has a key of its own.
        if name != format!("line-{}", received.len()) {
            name = format!("line-{}", received.len());
            request(&place.folder, &name);
        }
        let text = fs::read_to_string(&place.endpoints).unwrap_or_default();
        let endpoints: Value = serde_json::from_str(&text).unwrap_or_default();
        let Some(url) = endpoints["ca"]["estUrl"].as_str() else {
            std::thread::sleep(AGAIN);
            continue;
        };
        let line = format!(
            "openssl req -in {name}.csr -outform DER | openssl base64 |
             curl -sSf --max-time 20 --cacert data/ca.pem -u '{user}' -H 'Content-Type: application/pkcs10' \
                  --data-binary @- {url}/simpleenroll | openssl base64 -d | openssl pkcs7 -inform DER -print_certs"
        );
        let mut shell = Command::new("bash");
        shell.args(["-o", "pipefail", "-c", &line]).current_dir(&place.folder);
        let output = shell.output().unwrap();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            // It dies, or is not there: anything but that it says no.
            assert!(!said.contains("error: 4"), "{said}");
            continue;
        }
        let certificate = read_certificates(&String::from_utf8(output.stdout).unwrap()).unwrap().remove(0);
        received.push(Received::without_more(certificate));
    }
    received
}

/// Devices that register one after the other, each with a request of its own.
pub(super) async fn register_on(place: Place, stop: Arc<AtomicBool>) -> Vec<Received> {
    let mut received = Vec::new();
    let key = Key::from_bytes(GROUP_KEY.to_vec()).unwrap();
    let mut group = enrollments::symmetric_group(GROUP, &key);
    group["credentialPolicyName"] = json!("issuing/device");
    while !stop.load(Ordering::Relaxed) {
        let (endpoints, trust) = place.endpoints().await;
        if endpoints.dps_service(&trust).unwrap().put_group(&group).await.is_ok() {
            break;
        }
    }
    while !stop.load(Ordering::Relaxed) {
        let name = format!("device-{}", received.len());
        let made = {
            let (folder, name) = (place.folder.clone(), name.clone());
            tokio::task::spawn_blocking(move || request(&folder, &name))
        };
        // PEM without its first and last line is the base64 of DER.
        let csr: String = made.await.unwrap().lines().filter(|line| !line.starts_with('-')).collect();
        while !stop.load(Ordering::Relaxed) {
            if let Some(certificate) = register(&place, &name, &csr, &key).await {
                received.push(Received::without_more(certificate));
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
    received
}

/// None when nobody answers, or not now: then the device begins again.
async fn register(place: &Place, name: &str, csr: &str, group_key: &Key) -> Option<Certificate> {
    let (endpoints, trust) = place.endpoints().await;
    let base = format!("{}/registrations/{name}", endpoints.id_scope);
    let key = group_key.derive(name);
    let device = ConnectionString { host_name: base.clone(), policy: "registration".to_owned(), key };
    let device = ServiceClient::new(endpoints.dps_https().endpoint, device, trust);
    let body = json!({ "registrationId": name, "csr": csr });
    let path = format!("/{base}/register?{API_VERSION}");
    let mut answer = device.call(Method::PUT, &path, &[], Some(&body)).await.ok()?;
    while answer.status == 202 {
        tokio::time::sleep(AGAIN).await;
        let operation = answer.body["operationId"].as_str().unwrap().to_owned();
        let path = format!("/{base}/operations/{operation}?{API_VERSION}");
        answer = device.call(Method::GET, &path, &[], None).await.ok()?;
    }
    if answer.status == 503 {
        return None;
    }
    let state = &answer.body["registrationState"];
    assert_eq!((answer.status, &state["status"]), (200, &json!("assigned")), "{}", answer.body);
    Some(read_certificates(state["issuedCertificateChain"][0].as_str().unwrap()).unwrap().remove(0))
}
