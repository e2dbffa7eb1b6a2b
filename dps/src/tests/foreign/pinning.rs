//! A group that knows its authority by exactly its certificate, and one that knows it by its key.

use jiff::Timestamp;
use muster_test_engines::for_each_engine;
use muster_x509::Certificate;
use rcgen::date_time_ymd;
use serde_json::{Value, json};

use super::{GROUP, pem, refused, steps};
use crate::{
    Dps, EnrollmentKind,
    enrollment::Precondition,
    tests::{
        Bench, Device, HUB_1, Http, Shelf, authority,
        factory::{Authority, bent_root},
        id, leaf, root, x509,
    },
};

/// Configured when the certificate was still good.
async fn pinned(dps: &Dps, name: &str, certificate: &Certificate, pin: &str) {
    let mut attestation = x509("signingCertificates", certificate);
    attestation["x509"]["pin"] = pin.into();
    let body = json!({ "attestation": attestation });
    let then: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    dps.put_enrollment(
        EnrollmentKind::Group,
        id(name),
        &body,
        &Precondition::Any,
        &muster_ca::Caller::process(),
        then,
    )
    .await
    .unwrap();
}

/// It has ended since; its key goes on.
fn ended(name: &str) -> Authority {
    bent_root(name, |params| params.not_after = date_time_ymd(2026, 10, 1))
}

#[tokio::test]
async fn a_pinned_key_outlives_its_certificate_and_a_pinned_certificate_does_not() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let (owner, dps) = (Http::owner(&bench.dps), &bench.dps);
        let top = ended("plant");
        let again = top.reissued(|params| params.not_after = date_time_ymd(2030, 1, 1));
        let device = leaf("d1", &top);
        let with_new = Device::new("d1").with_chain(&[&device, &again]);
        let alone = Device::new("d1").with_chain(&[&device]);

        pinned(dps, "g", &top.certificate, "certificate").await;
        assert!(refused(dps, &with_new).await.contains("expired at 2026-10-01"));
        pinned(dps, "g", &top.certificate, "key").await;
        assert!(refused(dps, &alone).await.contains("expired at 2026-10-01"), "nobody knows the new one");
        let told = steps(dps, &with_new).await;
        assert!(
            told.contains(&format!("by its key, which a later certificate (SHA-256 {})", again.sha256())),
            "{told}"
        );
        // Known here, it need not be sent; a self-signed one has its own key's word, whoever stored it.
        owner.store("plant-2", json!({ "certificate": pem(&again) })).await;
        assert_eq!(alone.provisioned(dps).await["status"], "assigned");
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_pinned_intermediate_certified_anew_counts_by_the_authority_above_it() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let (owner, dps) = (Http::owner(&bench.dps), &bench.dps);
        let (top, stranger) = (root("plant"), root("stranger"));
        let line = ended("line");
        pinned(dps, "g", &line.certificate, "key").await;
        let (mine, forged) = (renewed(&line, &top), renewed(&line, &stranger));
        let device = leaf("d1", &line);
        let with = |certificate: &Certificate| Device::new("d1").with_chain(&[&device, certificate]);
        // Whoever has seen the key can write a certificate for it; that makes it no authority.
        refused(dps, &with(&forged)).await;
        refused(dps, &with(&mine)).await;
        owner.store("plant", json!({ "certificate": pem(&top.certificate), "isVerified": true })).await;
        assert_eq!(with(&mine).provisioned(dps).await["x509"]["enrollmentGroupId"], "g");
        refused(dps, &with(&forged)).await;
        // Another key of that name is another authority.
        let other = authority("line", &top);
        let foreign = leaf("d2", &other);
        refused(dps, &Device::new("d2").with_chain(&[&foreign, &other.certificate])).await;
        bench.close().await;
    })
    .await;
}

/// With a life that goes on.
fn renewed(line: &Authority, by: &Authority) -> Certificate {
    line.crossed_anew(by, |params| params.not_after = date_time_ymd(2030, 1, 1))
}

#[tokio::test]
async fn clients_of_the_original_change_a_group_without_losing_its_pin() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let owner = Http::owner(&bench.dps);
        let top = root("plant");
        let mut attestation = x509("signingCertificates", &top.certificate);
        attestation["x509"]["pin"] = "key".into();
        let made = owner.put(GROUP, &json!({ "attestation": attestation })).await;
        assert_eq!((made.status, &made.body["attestation"]["x509"]["pin"]), (200, &json!("key")));
        // A typed model drops what it does not know, and writes back the rest.
        let mut read = owner.send("GET", GROUP, &[], "").await.body;
        read["attestation"]["x509"].as_object_mut().unwrap().retain(|name, _| name == "signingCertificates");
        read["provisioningStatus"] = "disabled".into();
        let written = owner.put(GROUP, &read).await;
        assert_eq!((written.status, &written.body["attestation"]["x509"]["pin"]), (200, &json!("key")));
        read["attestation"]["x509"]["pin"] = "certificate".into();
        assert_eq!(owner.put(GROUP, &read).await.body["attestation"]["x509"].get("pin"), None);
        for wrong in [json!("keys"), json!(true)] {
            read["attestation"]["x509"]["pin"] = wrong;
            assert_eq!(owner.put(GROUP, &read).await.status, 400);
        }
        let mut own: Value = x509("clientCertificates", &leaf("d1", &top));
        own["x509"]["pin"] = "key".into();
        let path = "/enrollments/d1?api-version=2021-10-01";
        assert_eq!(owner.put(path, &json!({ "attestation": own })).await.status, 400);
        bench.close().await;
    })
    .await;
}
