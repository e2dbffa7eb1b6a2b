//! Chains that devices send incomplete, or oddly; and both recipes for a new root (pki.md §8).

use muster_test_engines::for_each_engine;
use muster_x509::Certificate;
use serde_json::{Value, json};

use super::{GROUP, pem, referring, refused, steps};
use crate::tests::{
    Bench, Device, HUB_1, Http, Shelf, authority,
    factory::{Authority, bent_leaf},
    leaf, root, x509,
};

fn verified(of: &Authority) -> Value {
    json!({ "certificate": pem(&of.certificate), "isVerified": true })
}

fn intermediate(certificate: &Certificate) -> Value {
    json!({ "certificate": pem(certificate), "kind": "intermediate" })
}

#[tokio::test]
async fn a_device_that_sends_only_its_own_certificate_chains_by_the_pool() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let owner = Http::owner(&bench.dps);
        let top = root("plant");
        let region = authority("region", &top);
        let line = authority("line", &region);
        owner.store("plant", verified(&top)).await;
        assert_eq!(owner.put(GROUP, &referring("plant", None)).await.status, 200);
        let device = leaf("d1", &line);
        let alone = Device::new("d1").with_chain(&[&device]);
        assert!(refused(&bench.dps, &alone).await.contains("or store them here"));

        owner.store("region-1", intermediate(&region.certificate)).await;
        owner.store("line-4", intermediate(&line.certificate)).await;
        let told = steps(&bench.dps, &alone).await;
        assert!(
            told.contains("pool `CN=line` was not sent, the stored certificate `line-4` stands in"),
            "{told}"
        );
        assert!(told.contains("the stored certificate `region-1` stands in"), "{told}");
        // Half of it sent: only the other half is ours. All of it sent: nothing is.
        let half = Device::new("d1").with_chain(&[&device, &line.certificate]);
        let told = steps(&bench.dps, &half).await;
        assert!(!told.contains("line-4") && told.contains("region-1"), "{told}");
        let whole = Device::new("d1").with_chain(&[&device, &line.certificate, &region.certificate]);
        let told = steps(&bench.dps, &whole).await;
        assert!(!told.contains("pool"), "{told}");
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_the_device_sends_decides_before_the_pool() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let owner = Http::owner(&bench.dps);
        let (north, south) = (root("north"), root("south"));
        let line = authority("line", &north);
        let crossed = line.crossed_by(&south);
        owner.put(GROUP, &json!({ "attestation": x509("signingCertificates", &north.certificate) })).await;
        let other = GROUP.replace("/g?", "/s?");
        owner.put(&other, &json!({ "attestation": x509("signingCertificates", &south.certificate) })).await;
        owner.store("line", intermediate(&line.certificate)).await;
        let device = leaf("d1", &line);
        let sent = Device::new("d1").with_chain(&[&device, &crossed]);
        assert_eq!(sent.provisioned(&bench.dps).await["x509"]["enrollmentGroupId"], "s");
        let alone = Device::new("d1").with_chain(&[&device]);
        assert_eq!(alone.provisioned(&bench.dps).await["x509"]["enrollmentGroupId"], "g");
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_old_devices_chain_leads_to_the_new_root_by_its_intermediate_signed_again() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let owner = Http::owner(&bench.dps);
        let (old, new) = (root("root-1"), root("root-2"));
        let line = authority("line", &old);
        let line_by_new = line.crossed_by(&new);
        owner.put(GROUP, &json!({ "attestation": x509("signingCertificates", &new.certificate) })).await;
        let device = leaf("d1", &line);
        let old_chain = Device::new("d1").with_chain(&[&device, &line.certificate, &old.certificate]);
        assert!(refused(&bench.dps, &old_chain).await.contains("CN=root-1"));
        // Delivered to the device, or kept here.
        let renewed = Device::new("d1").with_chain(&[&device, &line_by_new]);
        assert_eq!(renewed.provisioned(&bench.dps).await["status"], "assigned");
        owner.store("line-2", intermediate(&line_by_new)).await;
        let told = steps(&bench.dps, &old_chain).await;
        assert!(told.contains("`line-2` stands in"), "{told}");
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_new_devices_chain_leads_to_the_old_root_by_a_cross_certificate() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let owner = Http::owner(&bench.dps);
        let (old, new) = (root("root-1"), root("root-2"));
        let cross = new.crossed_by(&old);
        let line = authority("line-2", &new);
        owner.put(GROUP, &json!({ "attestation": x509("signingCertificates", &old.certificate) })).await;
        let device = leaf("d1", &line);
        let without = Device::new("d1").with_chain(&[&device, &line.certificate]);
        refused(&bench.dps, &without).await;
        let with = Device::new("d1").with_chain(&[&device, &line.certificate, &cross]);
        assert_eq!(with.provisioned(&bench.dps).await["status"], "assigned");
        owner.store("cross", intermediate(&cross)).await;
        assert!(steps(&bench.dps, &without).await.contains("`cross` stands in"));
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_chain_that_breaks_a_rule_on_which_trust_depends_is_refused() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let owner = Http::owner(&bench.dps);
        let top = root("plant");
        owner.put(GROUP, &json!({ "attestation": x509("signingCertificates", &top.certificate) })).await;
        let signer =
            bent_leaf("d1", &top, |params| params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign]);
        let unknown = bent_leaf("d1", &top, |params| {
            let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            extension.set_criticality(true);
            params.custom_extensions = vec![extension];
        });
        let expired = bent_leaf("d1", &top, |params| params.not_after = rcgen::date_time_ymd(2026, 2, 2));
        for (leaf, why) in
            [(&signer, "keyCertSign"), (&unknown, "critical extension `1.2.3.4`"), (&expired, "expired at")]
        {
            let said = refused(&bench.dps, &Device::new("d1").with_chain(&[leaf])).await;
            assert!(said.contains(why), "{said}");
        }
        // A leaf as small tools make them, without key identifiers, key usage or purpose, is a device all the same.
        let device = Device::new("d1").with_chain(&[&leaf("d1", &top)]);
        assert_eq!(device.provisioned(&bench.dps).await["status"], "assigned");
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_enrollment_by_authority_is_helped_by_the_pool_as_well() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let owner = Http::owner(&bench.dps);
        let top = root("plant");
        let line = authority("line", &top);
        owner.store("plant", json!({ "certificate": pem(&top.certificate) })).await;
        let path = "/enrollments/d1?api-version=2021-10-01";
        assert_eq!(owner.put(path, &referring("plant", None)).await.status, 200);
        let alone = Device::new("d1").with_chain(&[&leaf("d1", &line)]);
        assert!(
            refused(&bench.dps, &alone)
                .await
                .contains("`d1` refers to certificate `plant`, which is not verified")
        );
        owner.store("plant", verified(&top)).await;
        refused(&bench.dps, &alone).await;
        owner.store("line", intermediate(&line.certificate)).await;
        assert!(steps(&bench.dps, &alone).await.contains("`line` stands in"));
        bench.close().await;
    })
    .await;
}
