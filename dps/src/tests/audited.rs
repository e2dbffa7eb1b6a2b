//! What this service decides about trust is in the authority's audit log, refused or not.

use muster_ca::{Ca, verify_entries};
use muster_test_engines::for_each_engine;
use serde_json::json;
use tempfile::TempDir;

use super::{
    Bench, HUB_1, Http, Shelf,
    foreign::{GROUP, pem, referring},
    issuing, key, leaf, root, symmetric,
};

/// Action, object, decision and reason of what was written since `from`.
async fn written(ca: &Ca, from: u64) -> Vec<(String, String, String, String)> {
    let entries = ca.audit_page(1, 1000).await.unwrap();
    verify_entries(&entries).unwrap();
    let told = entries.into_iter().filter(|entry| entry.sequence > from);
    told.map(|it| (it.action, it.object, it.decision, it.reason)).collect()
}

#[tokio::test]
async fn what_authorities_of_others_are_trusted_for_is_on_record_with_who_said_so() {
    for_each_engine(async |db| {
        let dir = TempDir::new().unwrap();
        let ca = issuing::authority(&dir, &db).await;
        let bench = Bench::certifying(&db, &[Shelf::new(HUB_1)], &ca).await;
        let owner = Http::owner(&bench.dps);
        let before = ca.audit_entries().await.unwrap();
        let top = root("plant");
        let lists = json!({ "certificate": pem(&top.certificate), "crlUrls": ["http://crl.example.test/a"], "crlCheck": "require" });
        owner.store("Plant", lists).await;
        let given = owner.send("POST", "/certificates/Plant/generateVerificationCode", &[("if-match", "*")], "").await;
        let code = given.body["verificationCode"].as_str().unwrap().to_owned();
        let verify = async |certificate: &muster_x509::Certificate| {
            let body = json!({ "certificate": pem(certificate) }).to_string();
            owner.send("POST", "/certificates/Plant/verify", &[("if-match", "*")], &body).await.status
        };
        assert_eq!(verify(&leaf("other", &top)).await, 400);
        assert_eq!(verify(&leaf(&code, &top)).await, 200);
        let other = json!({ "certificate": pem(&top.certificate), "crlUrls": [] });
        owner.store("Plant", other).await;
        owner.put(GROUP, &referring("plant", None)).await;
        assert_eq!(owner.send("DELETE", "/certificates/plant", &[("if-match", "*")], "").await.status, 409);
        let nobody = Http { authorization: None, dps: owner.dps.clone(), chain: Vec::new() };
        assert_eq!(nobody.send("DELETE", "/certificates/plant", &[("if-match", "*")], "").await.status, 401);
        assert_eq!(owner.send("DELETE", GROUP, &[], "").await.status, 204);
        assert_eq!(owner.send("DELETE", "/certificates/plant", &[("if-match", "*")], "").await.status, 204);

        let said = written(&ca, before).await;
        let told: Vec<_> = said.iter().map(|(_, _, decision, reason)| (decision.as_str(), reason.as_str())).collect();
        assert_eq!(said.len(), 8, "{said:#?}");
        assert!(said.iter().all(|(action, object, ..)| action == "external.change" && object == "external/plant"));
        assert!(told[0].1.contains("`CN=plant`") && told[0].1.contains("(require): http://crl.example.test/a"), "{said:#?}");
        assert_eq!(told[1], ("allowed", "a verification code was asked for"));
        assert!(told[2].0 == "refused" && told[2].1.contains("common name"), "{said:#?}");
        assert_eq!(told[3], ("allowed", "trusted: possession of its key was shown"));
        assert!(told[4].1.ends_with("trusted as before; no revocation lists"), "{said:#?}");
        assert!(told[5].0 == "refused" && told[5].1.contains("group `g` refers to"), "{said:#?}");
        assert_eq!(told[6], ("refused", "there is no `Authorization` header"));
        assert_eq!(told[7], ("allowed", "deleted"));
        let who = ca.audit_page(before + 1, 1).await.unwrap().remove(0);
        assert_eq!((who.actor.as_str(), who.credential.as_str()), ("provisioningserviceowner", "policy:provisioningserviceowner"));
        assert_eq!(who.certificate_sha256.map(hex::encode_upper), Some(top.certificate.sha256().to_string()));
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn which_enrollments_have_certificates_issued_is_on_record_and_nothing_else_of_them() {
    for_each_engine(async |db| {
        let dir = TempDir::new().unwrap();
        let ca = issuing::authority(&dir, &db).await;
        let bench = Bench::certifying(&db, &[Shelf::new(HUB_1)], &ca).await;
        let owner = Http::owner(&bench.dps);
        let before = ca.audit_entries().await.unwrap();
        let mut body = json!({ "attestation": symmetric(&key(1), &key(2)) });
        owner.put(GROUP, &body).await;
        body["credentialPolicyName"] = json!("device");
        owner.put(GROUP, &body).await;
        owner.put(GROUP, &body).await;
        body["credentialPolicyName"] = json!("issuing/device@1");
        owner.put(GROUP, &body).await;
        owner.send("DELETE", GROUP, &[], "").await;
        let said = written(&ca, before).await;
        let told: Vec<_> = said.iter().map(|(.., reason)| reason.as_str()).collect();
        assert!(said.iter().all(|(action, object, decision, _)| {
            (action.as_str(), object.as_str(), decision.as_str())
                == ("policy.change", "enrollment/group/g", "allowed")
        }));
        assert_eq!(
            told,
            [
                "issues by credential policy `device`",
                "issues by credential policy `issuing/device@1`",
                "issues nothing any more, credential policy was `issuing/device@1`"
            ]
        );
        bench.close().await;
    })
    .await;
}
