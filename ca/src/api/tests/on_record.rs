//! What is refused is on record, whatever was asked for.

use serde_json::json;

use super::*;

#[tokio::test]
async fn every_change_that_is_refused_is_in_the_audit_log_with_its_reason() {
    let api = Api::open().await;
    let nobody = "00112233445566778899aabbccddeeff";
    let key = "ab".repeat(32);
    let csr = csr_pem("pump-1");
    let grant = json!({ "to": "policy:x", "authority": "*", "profile": "*", "names": ["a**b\u{0}"] });
    let cases = [
        (Method::POST, "/ca/sign".to_owned(), json!({ "csr": csr, "profile": "none" }), "certificate.issue"),
        (
            Method::POST,
            "/ca/sign".to_owned(),
            json!({ "csr": csr, "authority": "none" }),
            "certificate.issue",
        ),
        (Method::POST, "/ca/sign".to_owned(), json!({ "csr": "no request" }), "certificate.issue"),
        (Method::POST, "/ca/revoke".to_owned(), json!({ "serial": nobody }), "certificate.revoke"),
        (Method::POST, "/ca/revoke".to_owned(), json!({ "holder": "nobody" }), "certificate.revoke"),
        (Method::POST, "/ca/revoke".to_owned(), json!({ "authority": "none" }), "authority.revoke"),
        (Method::DELETE, "/ca/bars/nobody".to_owned(), Value::Null, "holder.readmit"),
        (Method::PUT, "/ca/profiles/device".to_owned(), json!({ "source": "x = 1" }), "profile.change"),
        (Method::DELETE, "/ca/profiles/none".to_owned(), Value::Null, "profile.change"),
        (Method::PUT, "/ca/grants/bad".to_owned(), grant, "credential.change"),
        (Method::DELETE, "/ca/grants/none".to_owned(), Value::Null, "credential.change"),
        (Method::DELETE, format!("/ca/blocked-keys/{key}"), Value::Null, "credential.change"),
        (Method::PUT, "/ca/est/labels/Bad".to_owned(), json!({}), "credential.change"),
        (Method::DELETE, "/ca/est/labels/none".to_owned(), Value::Null, "credential.change"),
        (
            Method::POST,
            "/ca/est/credentials".to_owned(),
            json!({ "label": "lab", "names": [] , "user": "x:y" }),
            "credential.change",
        ),
        (Method::DELETE, "/ca/est/credentials/none".to_owned(), Value::Null, "credential.change"),
        (Method::PUT, "/ca/authorities/a".to_owned(), json!({ "parent": "none" }), "authority.create"),
        (Method::POST, "/ca/authorities/root/renew".to_owned(), Value::Null, "authority.renew"),
        (Method::POST, "/ca/authorities/none/retire".to_owned(), Value::Null, "authority.change"),
        (
            Method::POST,
            "/ca/authorities/none/activate".to_owned(),
            json!({ "chain": "x" }),
            "authority.activate",
        ),
        (Method::POST, "/ca/authorities/root/import".to_owned(), json!({ "chain": "x" }), "trust.import"),
    ];
    for (method, path, body, action) in cases {
        let before = api.ca.audit_entries().await.unwrap();
        let body = match &body {
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let caller = operator("auditor's friend");
        let answer = api.send(asked(method.clone(), &path, caller, body)).await;
        assert!(answer.status.is_client_error(), "{method} {path}: {}", answer.status);
        let told = answer.json()["message"].as_str().unwrap().to_owned();
        let written = api.ca.audit_page(before + 1, 10).await.unwrap();
        let [entry] = written.as_slice() else { panic!("{method} {path}: {written:?}") };
        assert_eq!((entry.action.as_str(), entry.decision.as_str()), (action, "refused"), "{method} {path}");
        assert_eq!(entry.actor, "auditor's friend");
        assert!(!entry.reason.is_empty(), "{method} {path}: {told}");
    }
    api.close().await;
}
