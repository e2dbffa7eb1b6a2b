//! Proof of possession over REST (dps.md §8).

use muster_test_engines::for_each_engine;
use serde_json::{Value, json};

use super::{GROUP, pem, referring, refused};
use crate::tests::{Bench, Device, Got, HUB_1, Http, Shelf, authority, enroll, leaf, root, x509};

const CODE: &str = "/certificates/Plant/generateVerificationCode";
const VERIFY: &str = "/certificates/Plant/verify";

fn code(got: &Got) -> String {
    assert_eq!(got.status, 200, "{}", got.body);
    got.body["properties"]["verificationCode"].as_str().unwrap().to_owned()
}

fn proof(certificate: &muster_x509::Certificate) -> String {
    json!({ "certificate": pem(certificate) }).to_string()
}

fn said(got: &Got, status: u16) -> &str {
    assert_eq!(got.status, status, "{}", got.body);
    got.body["message"].as_str().unwrap()
}

#[tokio::test]
async fn an_authority_anchors_devices_when_its_key_has_signed_the_code_and_not_before() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let owner = Http::owner(&bench.dps);
        let top = root("plant");
        let body = json!({ "properties": { "certificate": pem(&top.certificate), "isVerified": false } });
        let uploaded = owner.store("Plant", body).await;
        let properties = &uploaded.body["properties"];
        assert_eq!((&properties["subject"], &properties["isVerified"]), (&json!("plant"), &json!(false)));
        assert_eq!(properties["expiry"], "Fri, 01 Jan 2027 00:00:00 GMT");
        assert_eq!(properties["thumbprint"], top.certificate.sha1().to_string());
        owner.put(GROUP, &referring("plant", None)).await;
        let device = Device::new("d1").with_chain(&[&leaf("d1", &top)]);
        assert!(refused(&bench.dps, &device).await.contains("`plant`, which is not verified"));

        // A code is for who knows which certificate it is for.
        said(&owner.send("POST", CODE, &[], "").await, 400);
        said(&owner.send("POST", CODE, &[("if-match", "\"0\"")], "").await, 412);
        let etag = uploaded.header("etag").unwrap();
        let given = owner.send("POST", CODE, &[("if-match", etag)], "").await;
        let (code, etag) = (code(&given), given.header("etag").unwrap().to_owned());
        let read = owner.send("GET", "/certificates/plant", &[], "").await;
        assert!(!read.body.to_string().contains(&code), "nobody else is told");

        let verification = leaf(&code, &top);
        let fresh = [("if-match", etag.as_str())];
        let good = proof(&verification);
        said(&owner.send("POST", VERIFY, &[], &good).await, 400);
        said(
            &owner.send("POST", VERIFY, &[("if-match", uploaded.header("etag").unwrap())], &good).await,
            412,
        );
        let wrong = owner.send("POST", VERIFY, &fresh, &proof(&leaf(&code, &root("plant")))).await;
        assert!(said(&wrong, 400).contains("does not verify with the key of `CN=plant`"));
        let below = leaf(&code, &authority("line", &top));
        said(&owner.send("POST", VERIFY, &fresh, &proof(&below)).await, 400);
        said(&owner.send("POST", VERIFY, &fresh, &proof(&leaf("d1", &top))).await, 400);
        said(&owner.send("POST", VERIFY, &fresh, "{}").await, 400);

        let verified = owner.send("POST", VERIFY, &fresh, &good).await;
        assert_eq!((verified.status, &verified.body["properties"]["isVerified"]), (200, &json!(true)));
        assert_ne!(verified.header("etag").unwrap(), etag);
        assert!(
            said(&owner.send("POST", VERIFY, &[("if-match", "*")], &good).await, 400).contains("was used")
        );
        assert_eq!(device.provisioned(&bench.dps).await["status"], "assigned");

        // What showed possession never lets a device in, by no enrollment.
        let impostor = Device::new(&code).with_chain(&[&verification]);
        assert!(refused(&bench.dps, &impostor).await.contains("made to verify an authority"));
        let attestation = x509("clientCertificates", &verification);
        enroll(&bench.dps, &code, json!({ "attestation": attestation })).await;
        assert!(refused(&bench.dps, &impostor).await.contains("made to verify an authority"));
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_code_is_of_one_state_of_one_certificate() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let owner = Http::owner(&bench.dps);
        let top = root("plant");
        let stored = json!({ "certificate": pem(&top.certificate) });
        owner.store("Plant", stored.clone()).await;
        let any = [("if-match", "*")];
        let first = code(&owner.send("POST", CODE, &any, "").await);
        let second = code(&owner.send("POST", CODE, &any, "").await);
        assert_ne!(first, second);
        let verify = async |code: &str| owner.send("POST", VERIFY, &any, &proof(&leaf(code, &top))).await;
        assert!(said(&verify(&first).await, 400).contains(&second), "which one is wanted");
        // Any change forgets it, also one of something else.
        owner.store("Plant", json!({ "crlUrls": ["http://pki.example.test/plant.crl"] })).await;
        assert!(said(&verify(&second).await, 400).contains("no verification code"));
        let third = code(&owner.send("POST", CODE, &any, "").await);
        assert_eq!(verify(&third).await.status, 200);

        // The same key stays verified when it is certified anew; another one does not.
        let anew = top.reissued(|params| params.not_after = rcgen::date_time_ymd(2030, 1, 1));
        assert_eq!(owner.store("Plant", json!({ "certificate": pem(&anew) })).await.body["isVerified"], true);
        let other = root("plant");
        let got = owner.store("Plant", json!({ "certificate": pem(&other.certificate) })).await;
        assert_eq!(got.body["isVerified"], false);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_could_anchor_nothing_is_not_stored() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let owner = Http::owner(&bench.dps);
        let bent = |bend: fn(&mut rcgen::CertificateParams)| {
            super::super::factory::bent_root("plant", bend).certificate
        };
        let expired = bent(|params| params.not_after = rcgen::date_time_ymd(2026, 2, 2));
        let no_signer = bent(|params| params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign]);
        let unknown = bent(|params| {
            let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            extension.set_criticality(true);
            params.custom_extensions = vec![extension];
        });
        let device = leaf("d1", &root("plant"));
        for (certificate, why) in [
            (&expired, "expired at 2026-02-02"),
            (&no_signer, "keyCertSign"),
            (&unknown, "critical extension `1.2.3.4`"),
            (&device, "not a CA certificate"),
        ] {
            let stored = owner.put("/certificates/plant", &json!({ "certificate": pem(certificate) })).await;
            assert!(said(&stored, 400).contains(why), "{}", stored.body);
            let group =
                owner.put(GROUP, &json!({ "attestation": x509("signingCertificates", certificate) })).await;
            assert!(said(&group, 400).contains(why), "{}", group.body);
        }
        // An intermediate anchors nothing, so nobody refers to it and nobody verifies it.
        let line = authority("line", &root("plant"));
        let intermediate = json!({ "certificate": pem(&line.certificate), "kind": "intermediate" });
        owner.store("line", intermediate.clone()).await;
        assert!(said(&owner.put(GROUP, &referring("line", None)).await, 400).contains("is an intermediate"));
        let any = [("if-match", "*")];
        said(&owner.send("POST", "/certificates/line/generateVerificationCode", &any, "").await, 400);
        let mut verified: Value = intermediate;
        verified["isVerified"] = true.into();
        said(&owner.put("/certificates/line", &verified).await, 400);
        bench.close().await;
    })
    .await;
}
