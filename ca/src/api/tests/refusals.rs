//! Calls that do not succeed, each with its status and code.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::*;

#[tokio::test]
async fn each_refusal_has_its_status_and_its_code() {
    let api = Api::open().await;
    let (csr, pump) = (csr_pem("pump-1"), json!({ "commonName": "pump-1" }));
    let forged = {
        let mut der = super::csr("pump-1").der().to_vec();
        *der.last_mut().unwrap() ^= 1;
        STANDARD.encode(der)
    };
    let sign = |body: Value| (Method::POST, "/ca/sign", body.to_string());
    let foreign = {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open_memory().await.unwrap();
        let issued = open(dir.path(), &db).await.issue(device("pump-1"), now()).await.unwrap();
        to_pem(issued.certificate.der())
    };
    let cases = [
        ((Method::GET, "/ca", String::new()), 404, "PathNotFound"),
        ((Method::GET, "/ca/sign", String::new()), 405, "MethodNotAllowed"),
        (sign(json!({})), 400, "Malformed"),
        (sign(json!({ "csr": csr, "unknown": 1 })), 400, "Malformed"),
        (sign(json!({ "csr": csr, "authority": "Root!" })), 400, "Malformed"),
        (
            sign(json!({ "csr": csr, "subject": { "hardware": { "type": "1.2.3", "serial": "xy" } } })),
            400,
            "Malformed",
        ),
        (sign(json!({ "csr": "no request" })), 400, "CsrRefused"),
        (sign(json!({ "csr": forged, "subject": pump })), 400, "CsrRefused"),
        (sign(json!({ "csr": "x".repeat(128 * 1024) })), 413, "TooLarge"),
        (sign(json!({ "csr": csr })), 400, "FactMissing"),
        (sign(json!({ "csr": csr, "subject": { "commonName": "pump-2" } })), 400, "CsrRefused"),
        (
            sign(json!({ "csr": csr, "subject": { "commonName": "pump-1", "serialNumber": "*" } })),
            400,
            "FactRefused",
        ),
        (sign(json!({ "csr": csr, "subject": pump, "profile": "none" })), 404, "ProfileNotFound"),
        (sign(json!({ "csr": csr, "subject": pump, "authority": "none" })), 404, "AuthorityNotFound"),
        (sign(json!({ "csr": csr, "subject": pump, "notAfter": "2026-01-01T00:00:00Z" })), 400, "EndRefused"),
        (sign(json!({ "csr": csr, "subject": pump, "profile": "sub-ca" })), 409, "AuthorityUnfit"),
        (
            sign(json!({ "csr": csr, "subject": { "commonName": "pump-1", "uris": ["no uri"] } })),
            400,
            "FactRefused",
        ),
        (
            (Method::POST, "/ca/renew", json!({ "csr": csr, "certificate": "x" }).to_string()),
            400,
            "CertificateMalformed",
        ),
        (
            (Method::POST, "/ca/renew", json!({ "csr": csr, "certificate": foreign.repeat(2) }).to_string()),
            400,
            "CertificateMalformed",
        ),
        (
            (Method::POST, "/ca/renew", json!({ "csr": csr, "certificate": foreign }).to_string()),
            404,
            "CertificateNotFound",
        ),
        ((Method::GET, "/ca/certificates/12", String::new()), 400, "Malformed"),
        (
            (Method::GET, "/ca/certificates/00112233445566778899aabbccddeeff", String::new()),
            404,
            "CertificateNotFound",
        ),
        ((Method::GET, "/ca/certificates?serial=1", String::new()), 400, "Malformed"),
        ((Method::GET, "/ca/certificates?expiresBefore=soon", String::new()), 400, "Malformed"),
        (
            (Method::PUT, "/ca/profiles/device", json!({ "source": "name = 1" }).to_string()),
            400,
            "ProfileMalformed",
        ),
        ((Method::DELETE, "/ca/profiles/none", String::new()), 404, "ProfileNotFound"),
        (
            (
                Method::PUT,
                "/ca/grants/Lines",
                json!({ "to": "policy:x", "authority": "issuing", "profile": "device", "names": ["*"] })
                    .to_string(),
            ),
            400,
            "GrantMalformed",
        ),
        ((Method::DELETE, "/ca/grants/lines", String::new()), 404, "GrantNotFound"),
        ((Method::PUT, "/ca/blocked-keys/00", json!({ "reason": "x" }).to_string()), 400, "Malformed"),
    ];
    for ((method, path, body), status, code) in cases {
        let asked = format!("{method} {path} {}", body.chars().take(200).collect::<String>());
        let answer = api.ask(method, path, body).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{asked}");
    }
    api.close().await;
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_refused_on_record() {
    let api = Api::open().await;
    let line = |id: &str| json!({ "id": id, "csr": "no request", "profile": "tls-server" }).to_string();
    api.ask(Method::POST, "/ca/sign", json!({ "csr": "no request" }).to_string()).await;
    api.ask(Method::POST, "/ca/bulk", line("1")).await;
    let entries = api.ask(Method::GET, "/ca/audit", "").await.json()["entries"].clone();
    let [.., one, other] = &entries.as_array().unwrap()[..] else { panic!("{entries}") };
    for (entry, object) in [(one, "issuing/device"), (other, "issuing/tls-server")] {
        assert_eq!((&entry["decision"], &entry["action"]), (&json!("refused"), &json!("certificate.issue")));
        assert_eq!(entry["object"], object);
        assert!(entry["reason"].as_str().unwrap().contains("neither DER nor base64"), "{entry}");
    }
    api.close().await;
}

#[tokio::test]
async fn nobody_is_answered_when_nobody_was_checked() {
    let api = Api::open().await;
    let paths = [
        (Method::GET, "/ca/certificates"),
        (Method::GET, "/ca/grants"),
        (Method::POST, "/ca/bulk"),
        (Method::PUT, "/ca/profiles/device"),
    ];
    for (method, path) in paths {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = api.send(request).await;
        assert_eq!(answer.refusal(), (500, "InternalError".to_owned()));
        assert_eq!(answer.json()["message"], "something is wrong here: ask its operator");
    }
    api.close().await;
}
