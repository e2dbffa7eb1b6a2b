//! What a security team does: revoke, readmit, run the hierarchy, read the audit log, prove.

use serde_json::json;

use super::*;
use crate::{VerifierKey, verify_export, verify_proof};

async fn sign(api: &Api, name: &str, holder: Option<&str>) -> Value {
    let sign = json!({
        "csr": csr_pem(name), "subject": { "commonName": name }, "holder": holder.map(|name| json!({ "name": name })),
    });
    let answer = api.ask(Method::POST, "/ca/sign", sign.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
    answer.json()
}

async fn post(api: &Api, path: &str, body: Value) -> Answer {
    api.ask(Method::POST, path, body.to_string()).await
}

#[tokio::test]
async fn a_certificate_is_revoked_once_and_keeps_its_date() {
    let api = Api::open().await;
    let serial = sign(&api, "pump-1", None).await["serial"].clone();
    let path = format!("/ca/revocations/{}", serial.as_str().unwrap());
    assert!(api.ask(Method::GET, &path, "").await.json().get("revoked").is_none());
    let body = json!({ "serial": serial, "reason": "keycompromise" });
    let revoked = post(&api, "/ca/revoke", body.clone()).await;
    assert_eq!(
        revoked.json(),
        json!({ "serial": serial, "authority": "issuing", "reason": "keyCompromise", "at": "2026-11-20T12:00:00Z" })
    );
    assert_eq!(post(&api, "/ca/revoke", body).await.json(), revoked.json());
    let status = api.ask(Method::GET, &path, "").await.json();
    assert_eq!(status["revoked"], json!({ "reason": "keyCompromise", "at": "2026-11-20T12:00:00Z" }));
    let listed = api.ask(Method::GET, &format!("/ca/certificates/{}", serial.as_str().unwrap()), "").await;
    assert_eq!(listed.json()["revoked"], status["revoked"]);
    api.close().await;
}

#[tokio::test]
async fn a_device_holds_what_is_in_its_name_though_nobody_says_so() {
    let api = Api::open().await;
    let serial = sign(&api, "Pump-1", None).await["serial"].clone();
    let path = format!("/ca/certificates/{}", serial.as_str().unwrap());
    assert_eq!(api.ask(Method::GET, &path, "").await.json()["holder"], "pump-1");
    post(&api, "/ca/revoke", json!({ "holder": "pump-1", "reason": "privilegeWithdrawn" })).await;
    assert_eq!(api.ask(Method::GET, &path, "").await.json()["revoked"]["reason"], "privilegeWithdrawn");
    let again = json!({ "csr": csr_pem("PUMP-1"), "subject": { "commonName": "PUMP-1" } });
    assert_eq!(post(&api, "/ca/sign", again).await.refusal().0, 403);
    api.close().await;
}

#[tokio::test]
async fn a_holder_is_revoked_barred_and_let_in_again() {
    let api = Api::open().await;
    let first = sign(&api, "pump-1", Some("pump-1")).await;
    let nobody = api.ask(Method::GET, "/ca/bars/pump-1", "").await;
    assert_eq!(nobody.refusal(), (404, "NotBarred".to_owned()));
    let revoked =
        post(&api, "/ca/revoke", json!({ "holder": "pump-1", "reason": "privilegeWithdrawn" })).await;
    assert_eq!((revoked.status, &revoked.json()["holder"]), (StatusCode::OK, &json!("pump-1")));
    let path = format!("/ca/certificates/{}", first["serial"].as_str().unwrap());
    let listed = api.ask(Method::GET, &path, "").await.json();
    assert_eq!(listed["revoked"]["reason"], "privilegeWithdrawn");
    let again = json!({ "csr": csr_pem("pump-1"), "subject": { "commonName": "pump-1" }, "holder": { "name": "pump-1" } });
    assert_eq!(post(&api, "/ca/sign", again).await.refusal().0, 403);
    let bar = api.ask(Method::GET, "/ca/bars/pump-1", "").await.json();
    assert_eq!((&bar["holder"], &bar["reason"]), (&json!("pump-1"), &json!("privilegeWithdrawn")));
    assert_eq!(api.ask(Method::GET, "/ca/bars", "").await.json(), json!([bar]));
    assert_eq!(api.ask(Method::DELETE, "/ca/bars/pump-1", "").await.json(), bar);
    assert_eq!(api.ask(Method::DELETE, "/ca/bars/pump-1", "").await.refusal(), (404, "NotBarred".to_owned()));
    // In its next generation, though nobody named that.
    let second = sign(&api, "pump-1", Some("pump-1")).await;
    let path = format!("/ca/certificates/{}", second["serial"].as_str().unwrap());
    assert!(api.ask(Method::GET, &path, "").await.json().get("revoked").is_none());
    api.close().await;
}

#[tokio::test]
async fn an_authority_is_made_renewed_retired_and_revoked() {
    let api = Api::open().await;
    let new =
        json!({ "parent": "root", "commonName": "Line 4", "key": "p384", "lifeDays": 400, "crlShards": 4 });
    let made = api.ask(Method::PUT, "/ca/authorities/line-4", new.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made = made.json();
    assert_eq!(
        (&made["parent"], &made["subject"], &made["state"], &made["crlShards"], &made["warning"]),
        (&json!("root"), &json!("CN=Line 4"), &json!("active"), &json!(4), &Value::Null)
    );
    let again = api.ask(Method::PUT, "/ca/authorities/line-4", "").await;
    assert_eq!(again.refusal(), (409, "AuthorityExists".to_owned()));
    let root = api.ask(Method::PUT, "/ca/authorities/other-root", "").await;
    assert_eq!((root.status, root.json().get("parent")), (StatusCode::CREATED, None));
    let renewed = post(&api, "/ca/authorities/line-4/renew", Value::Null).await.json();
    assert_eq!((&renewed["generation"], &renewed["state"]), (&json!(2), &json!("active")));
    for (verb, state) in [("retire", "retiring"), ("reactivate", "active"), ("crl-only", "crl-only")] {
        let changed = post(&api, &format!("/ca/authorities/line-4/{verb}"), Value::Null).await.json();
        assert_eq!(changed["state"], state);
    }
    let back = post(&api, "/ca/authorities/line-4/reactivate", Value::Null).await;
    assert_eq!(back.refusal(), (409, "NoSuchTransition".to_owned()));
    let revoked = post(&api, "/ca/revoke", json!({ "authority": "line-4", "reason": "cACompromise" })).await;
    assert_eq!(revoked.json()["authority"], "line-4");
    assert_eq!(api.ask(Method::GET, "/ca/authorities/line-4", "").await.json()["state"], "revoked");
    let tree = api.ask(Method::GET, "/ca/tree", "").await.json();
    let root = tree.as_array().unwrap().iter().find(|node| node["id"] == "root").unwrap();
    let below: Vec<_> =
        root["below"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(below, ["issuing", "line-4"]);
    api.close().await;
}

#[tokio::test]
async fn an_authority_that_is_signed_elsewhere_waits_and_refuses_what_does_not_fit() {
    let api = Api::open().await;
    let made =
        post(&api, "/ca/authorities/plant/request", json!({ "commonName": "Plant", "key": "p256" })).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let csr = made.json()["csr"].as_str().unwrap().to_owned();
    assert_eq!(muster_x509::Csr::parse(csr.as_bytes()).unwrap().subject(), "CN=Plant");
    let again = api.ask(Method::GET, "/ca/authorities/plant/request", "").await.json();
    assert_eq!(again["csr"].as_str(), Some(&*csr));
    let root = api.ask(Method::GET, "/ca/authorities/root", "").await.json()["certificate"].clone();
    let unfit = post(&api, "/ca/authorities/plant/activate", json!({ "chain": root })).await;
    assert_eq!(unfit.refusal(), (400, "ChainUnfit".to_owned()));
    let known = post(&api, "/ca/authorities/known/import", json!({ "chain": root })).await;
    assert_eq!(known.refusal(), (409, "AuthorityExists".to_owned()));
    let foreign = {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open_memory().await.unwrap();
        open(dir.path(), &db).await.root_pem()
    };
    let mut import = asked(Method::POST, "/ca/authorities/partner/import", Caller::process(), foreign);
    import.headers_mut().insert("content-type", "application/x-pem-file".parse().unwrap());
    let imported = api.send(import).await;
    assert_eq!(imported.status, StatusCode::CREATED);
    assert!(imported.json().get("key").is_none(), "its key is elsewhere");
    api.close().await;
}

#[tokio::test]
async fn the_audit_log_is_paged_exported_and_verified() {
    let api = Api::open().await;
    for n in 0..3 {
        sign(&api, &format!("pump-{n}"), None).await;
    }
    let all = api.ask(Method::GET, "/ca/audit?from=1&max=1000", "").await.json();
    let count = all["entries"].as_array().unwrap().len();
    assert!(all.get("continuation").is_none() && all["entries"][0]["sequence"] == 1);
    let first = api.ask(Method::GET, "/ca/audit?from=1&max=2", "").await.json();
    assert_eq!(first["continuation"], 3);
    let last = api.ask(Method::GET, "/ca/audit?max=1", "").await.json();
    assert_eq!(last["entries"][0], all["entries"][count - 1]);
    assert_eq!(last["entries"][0]["action"], "certificate.issue");

    let export = api.ask(Method::GET, "/ca/audit/export", "").await.body;
    let verified = verify_export(&*export, None).unwrap();
    let checkpoint = api.ask(Method::GET, "/ca/checkpoint", "").await.json();
    assert_eq!(
        (&checkpoint["key"], &checkpoint["certificates"]),
        (&json!(verified.key.to_string()), &json!(verified.certificates))
    );
    let text = api.ask(Method::GET, "/ca/audit/verify", "").await.body;
    let verdict: Value =
        serde_json::from_slice(text.trim_ascii().split(|byte| *byte == b'\n').next_back().unwrap()).unwrap();
    assert_eq!(
        (&verdict["verdict"], &verdict["certificates"]),
        (&json!("whole"), &json!(verified.certificates))
    );
    api.close().await;
}

#[tokio::test]
async fn the_whole_log_is_read_by_few_at_once() {
    let api = Api::open().await;
    let begin = async || {
        let request = asked(Method::GET, "/ca/audit/export", Caller::process(), "");
        api.router.clone().oneshot(request).await.unwrap()
    };
    let (one, two) = (begin().await, begin().await);
    let third = api.ask(Method::GET, "/ca/audit/verify", "").await;
    assert_eq!(third.retry_after.as_deref(), Some("30"));
    assert_eq!(third.refusal(), (503, "Unavailable".to_owned()));
    drop(one);
    assert_eq!(api.ask(Method::GET, "/ca/audit/verify", "").await.status, StatusCode::OK);
    assert!(to_bytes(two.into_body(), usize::MAX).await.unwrap().ends_with(b"}\n"));
    api.close().await;
}

#[tokio::test]
async fn a_proof_holds_for_its_certificate_alone() {
    let api = Api::open().await;
    let (one, other) = (sign(&api, "pump-1", None).await, sign(&api, "pump-2", None).await);
    let proof = api.ask(Method::GET, &format!("/ca/proofs/{}", one["serial"].as_str().unwrap()), "").await;
    let proof = String::from_utf8(proof.body).unwrap();
    let checkpoint = api.ask(Method::GET, "/ca/checkpoint", "").await.json();
    let key = VerifierKey::parse(checkpoint["key"].as_str().unwrap()).unwrap();
    let der = |issued: &Value| {
        let text = issued["certificate"].as_str().unwrap();
        muster_x509::read_certificates(text).unwrap()[0].der().to_vec()
    };
    assert_eq!(json!(verify_proof(&proof, &der(&one), &key).unwrap().index), one["logIndex"]);
    verify_proof(&proof, &der(&other), &key).unwrap_err();
    let (from, to) = (2, checkpoint["certificates"].as_u64().unwrap());
    let consistency = api.ask(Method::GET, &format!("/ca/consistency?from={from}&to={to}"), "").await.json();
    assert!(!consistency["path"].as_array().unwrap().is_empty());
    api.close().await;
}

#[tokio::test]
async fn a_certificate_is_proved_by_its_hash_whoever_signed_it() {
    let api = Api::open().await;
    let issued = sign(&api, "pump-1", None).await;
    let root = api.ask(Method::GET, "/ca/authorities/root", "").await.json();
    let checkpoint = api.ask(Method::GET, "/ca/checkpoint", "").await.json();
    let key = VerifierKey::parse(checkpoint["key"].as_str().unwrap()).unwrap();
    for told in [&issued, &root] {
        let certificate = &muster_x509::read_certificates(told["certificate"].as_str().unwrap()).unwrap()[0];
        let sha256 = certificate.sha256().to_string();
        let colons: Vec<_> = sha256.as_bytes().chunks(2).map(|it| std::str::from_utf8(it).unwrap()).collect();
        for spelled in [sha256.clone(), sha256.to_lowercase(), colons.join(":")] {
            let proof = api.ask(Method::GET, &format!("/ca/proofs/{spelled}"), "").await;
            assert_eq!(proof.status, StatusCode::OK, "{spelled}");
            verify_proof(&String::from_utf8(proof.body).unwrap(), certificate.der(), &key).unwrap();
        }
        let both = api.ask(Method::GET, &format!("/ca/proofs/{sha256}?authority=root"), "").await;
        assert_eq!(both.refusal(), (400, "Malformed".to_owned()));
    }
    let strange = "ab".repeat(32);
    let refused = api.ask(Method::GET, &format!("/ca/proofs/{strange}"), "").await;
    assert_eq!(refused.refusal(), (404, "CertificateNotFound".to_owned()));
    assert!(refused.json()["message"].as_str().unwrap().contains(&strange));
    let neither = api.ask(Method::GET, "/ca/proofs/abcd", "").await;
    assert_eq!(neither.refusal(), (400, "Malformed".to_owned()));
    api.close().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_by_name() {
    let api = Api::open().await;
    let nobody = "00112233445566778899aabbccddeeff";
    let root = api.ask(Method::GET, "/ca/authorities/issuing", "").await.json()["certificate"].clone();
    let own = muster_x509::read_certificates(root.as_str().unwrap()).unwrap()[0].serial_hex().to_owned();
    let none = Value::Null;
    let cases = [
        (Method::POST, "/ca/revoke".to_owned(), json!({}), 400, "Malformed"),
        (Method::POST, "/ca/revoke".to_owned(), json!({ "serial": nobody, "holder": "x" }), 400, "Malformed"),
        (
            Method::POST,
            "/ca/revoke".to_owned(),
            json!({ "holder": "x", "reason": "certificateHold" }),
            400,
            "Malformed",
        ),
        (Method::POST, "/ca/revoke".to_owned(), json!({ "holder": "x" }), 404, "HolderNotFound"),
        (Method::POST, "/ca/revoke".to_owned(), json!({ "serial": nobody }), 404, "CertificateNotFound"),
        (Method::POST, "/ca/revoke".to_owned(), json!({ "serial": own }), 409, "CertificateOfAuthority"),
        (Method::POST, "/ca/revoke".to_owned(), json!({ "authority": "none" }), 404, "AuthorityNotFound"),
        (Method::GET, format!("/ca/revocations/{nobody}"), none.clone(), 404, "CertificateNotFound"),
        (Method::GET, format!("/ca/proofs/{nobody}"), none.clone(), 404, "CertificateNotFound"),
        (Method::GET, "/ca/consistency?from=1&to=1000000".to_owned(), none.clone(), 400, "SizeRefused"),
        (Method::GET, "/ca/consistency?from=1".to_owned(), none.clone(), 400, "Malformed"),
        (Method::GET, "/ca/authorities/none".to_owned(), none.clone(), 404, "AuthorityNotFound"),
        (Method::PUT, "/ca/authorities/Line".to_owned(), none.clone(), 400, "Malformed"),
        (Method::PUT, "/ca/authorities/a".to_owned(), json!({ "key": "dsa" }), 400, "Malformed"),
        (Method::PUT, "/ca/authorities/a".to_owned(), json!({ "parent": "none" }), 404, "AuthorityNotFound"),
        (Method::PUT, "/ca/authorities/a".to_owned(), json!({ "place": "token" }), 409, "NoToken"),
        (Method::PUT, "/ca/authorities/a".to_owned(), json!({ "lifeDays": 0 }), 400, "AuthorityRefused"),
        (Method::POST, "/ca/authorities/root/renew".to_owned(), none.clone(), 409, "AuthorityIsRoot"),
        (
            Method::POST,
            "/ca/authorities/root/activate".to_owned(),
            json!({ "chain": root }),
            409,
            "AuthorityNotPending",
        ),
        (Method::GET, "/ca/authorities/root/request".to_owned(), none.clone(), 409, "AuthorityNotPending"),
        (Method::POST, "/ca/authorities/a/request".to_owned(), json!({ "parent": "root" }), 400, "Malformed"),
        (
            Method::POST,
            "/ca/authorities/a/request".to_owned(),
            json!({ "key": "rsa2048" }),
            400,
            "AuthorityRefused",
        ),
        (
            Method::POST,
            "/ca/authorities/a/import".to_owned(),
            json!({ "chain": "x" }),
            400,
            "CertificateMalformed",
        ),
    ];
    for (method, path, body, status, code) in cases {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = api.ask(method.clone(), &path, body.clone()).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{method} {path} {body}: {}", answer.json());
    }
    api.close().await;
}
