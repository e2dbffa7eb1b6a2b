//! What is issued, and what it says.

use std::collections::HashSet;

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::{
    Freshness, Holder, NewAuthority, Retirement, Stage,
    workshop::{DAY, openssl_says},
};

#[tokio::test]
async fn a_device_gets_what_its_profile_says_and_openssl_reads_it_so() {
    for_each_ca(async |ca| {
        let holder = Some(Holder { name: "pump-1".to_owned(), generation: "g-7f3a".to_owned() });
        let issued = ca.issue(Request { holder, ..device("pump-1") }, now()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let [.., leaf] = on_disk(dir.path(), &issued);
        let text = openssl(&["x509", "-in", &leaf, "-noout", "-text", "-nameopt", "RFC2253"]);
        let shard = ca.authority(&AuthorityId::issuing()).unwrap().shard_of(&issued.serial);
        for said in [
            "Subject: CN=pump-1",
            "X509v3 Basic Constraints: critical\n                CA:FALSE",
            "X509v3 Key Usage: critical\n                Digital Signature\n",
            "X509v3 Extended Key Usage: \n                TLS Web Client Authentication\n",
            "X509v3 Subject Key Identifier",
            "X509v3 Authority Key Identifier",
            &format!("URI:http://pki.example/crl/issuing/{shard}.crl"),
            "OCSP - URI:http://pki.example/ocsp",
            "CA Issuers - URI:http://pki.example/issuer/issuing.cer",
            "Policy: 1.3.6.1.4.1.32473.2.",
            "1.3.6.1.4.1.32473.1.1: \n                ..g-7f3a",
            "Not Before: Nov 20 11:55:00 2026 GMT",
            "Not After : Feb 18 11:54:59 2027 GMT",
            "Signature Algorithm: ecdsa-with-SHA256",
        ] {
            assert!(text.contains(said), "{said}\n{text}");
        }
        assert_eq!((issued.freshness, issued.remarks.len()), (Freshness::New, 0));
        assert!(issued.certificate.der().len() < 700, "{} bytes", issued.certificate.der().len());
    })
    .await;
}

#[tokio::test]
async fn openssl_accepts_each_profile_strictly_for_its_purpose_and_for_no_other() {
    for_each_ca(async |ca| {
        let deep =
            NewAuthority { path_len: Some(1), ..NewAuthority::new(AuthorityId::parse("deep").unwrap()) };
        ca.create_intermediate(&AuthorityId::root(), deep, &Caller::process(), now()).await.unwrap();
        let servers = hosts(&["gateway.factory.example"], &["10.0.0.7", "2001:db8::7"]);
        let rsa = openssl_csr("/CN=pump-2", &["-newkey", "rsa:2048"], &[]);
        let ed25519 = openssl_csr("/CN=pump-3", &["-newkey", "ed25519"], &[]);
        let p384 = openssl_csr("/CN=pump-4", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"], &[]);
        let mut line = request("sub-ca", csr(""), facts("Line 7"));
        line.authority = AuthorityId::parse("deep").unwrap();
        for (request, fits, other) in [
            (device("pump-1"), "sslclient", "sslserver"),
            (request("device", rsa, facts("pump-2")), "sslclient", "sslserver"),
            (request("device", ed25519, facts("pump-3")), "sslclient", "sslserver"),
            (request("device", p384, facts("pump-4")), "sslclient", "sslserver"),
            (request("edge-server", csr(""), servers.clone()), "sslserver", "timestampsign"),
            (request("edge-server", csr(""), servers.clone()), "sslclient", "smimesign"),
            (request("tls-server", csr(""), servers), "sslserver", "sslclient"),
            (line, "any", "timestampsign"),
        ] {
            let profile = request.profile.clone();
            let issued = ca.issue(request, now()).await.unwrap_or_else(|error| panic!("{profile}: {error}"));
            let dir = tempfile::tempdir().unwrap();
            let [root, chain, leaf] = on_disk(dir.path(), &issued);
            let at = now().as_second().to_string();
            let verify = |purpose: &str| {
                openssl_says(&[
                    "verify",
                    "-x509_strict",
                    "-purpose",
                    purpose,
                    "-attime",
                    &at,
                    "-CAfile",
                    &root,
                    "-untrusted",
                    &chain,
                    &leaf,
                ])
            };
            let (accepted, said) = verify(fits);
            assert!(accepted, "{profile} for {fits}: {said}");
            assert!(!verify(other).0, "{profile} for {other}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_thousand_certificates_have_a_thousand_serials_all_recorded_and_logged() {
    for_each_ca(async |ca| {
        const COUNT: usize = 1000;
        let twice = device("pump-1");
        let issued: Vec<_> = stream::iter(0..COUNT)
            .map(|_| ca.issue(twice.clone(), now()))
            .buffer_unordered(100)
            .map(Result::unwrap)
            .collect()
            .await;
        let serials: HashSet<_> = issued.iter().map(|issued| issued.serial).collect();
        let places: HashSet<_> = issued.iter().map(|issued| issued.log_index).collect();
        assert_eq!((serials.len(), places.len()), (COUNT, COUNT));
        for issued in &issued {
            assert_eq!(issued.certificate.serial(), issued.serial);
            assert!((0x40..0x80).contains(&issued.serial[0]), "positive, of full length");
        }
        let one = &issued[COUNT / 2];
        let stored = ca.certificate(one.serial, None).await.unwrap().unwrap();
        let stage = Stage::Issued { log_index: one.log_index, certificate: one.certificate.clone() };
        assert_eq!((&stored.stage, stored.profile.to_string()), (&stage, "device@1".to_owned()));
        assert_eq!(stored.subject, "CN=pump-1");
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_serials_are_distinct_positive_and_neither_short_nor_long() {
    const COUNT: usize = 10_000;
    let (dir, db) = (tempfile::tempdir().unwrap(), Db::open_memory().await.unwrap());
    let ca = open(dir.path(), &db).await;
    let twice = device("pump-1");
    let serials: HashSet<_> = stream::iter(0..COUNT)
        .map(|_| ca.issue(twice.clone(), now()))
        .buffer_unordered(200)
        .map(|issued| issued.unwrap().certificate.serial().to_vec())
        .collect()
        .await;
    assert_eq!(serials.len(), COUNT);
    for serial in &serials {
        // As they stand in the certificate: an INTEGER of 16 octets that begins neither with a sign bit nor with zeros.
        assert!(serial.len() == 16 && (0x40..0x80).contains(&serial[0]), "{serial:02x?}");
    }
    let bits = |serial: &Vec<u8>| serial.iter().map(|byte| byte.count_ones()).sum::<u32>();
    let mean = f64::from(serials.iter().map(bits).sum::<u32>()) / COUNT as f64;
    // 126 of the 128 bits are drawn, of which half are set; one always is.
    assert!((63.5..64.5).contains(&mean), "{mean}");
}

#[tokio::test]
async fn an_authority_that_is_not_active_signs_nothing() {
    for_each_ca(async |ca| {
        let (issuing, caller) = (AuthorityId::issuing(), Caller::process());
        let elsewhere = Request { authority: AuthorityId::parse("nowhere").unwrap(), ..device("pump-1") };
        assert_eq!(
            refusal(ca.issue(elsewhere, now()).await),
            "authority `nowhere` is not there: `muster ca tree` shows those that are"
        );
        ca.retire_authority(&issuing, Retirement::Retire, &caller, now()).await.unwrap();
        assert_eq!(
            refusal(ca.issue(device("pump-1"), now()).await),
            "authority `issuing` is retiring, so it signs nothing: name one that is active"
        );
        ca.retire_authority(&issuing, Retirement::Reactivate, &caller, now()).await.unwrap();
        ca.issue(device("pump-1"), now()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn nothing_lasts_longer_than_its_authority_its_profile_or_what_was_asked_for() {
    for_each_ca(async |ca| {
        let end = ca.chain(&AuthorityId::issuing())[0].not_after();
        let late = end - DAY * 30;
        // An authority that renews itself would do so before.
        let issued = ca.issue(device("pump-1"), late).await.unwrap();
        assert_eq!(issued.certificate.not_after(), end);
        let soon = late + DAY;
        let earlier = Request { not_after: Some(soon), ..device("pump-2") };
        assert_eq!(ca.issue(earlier, late).await.unwrap().certificate.not_after(), soon);
        let refused = async |asked: Timestamp| {
            refusal(ca.issue(Request { not_after: Some(asked), ..device("pump-3") }, late).await)
        };
        assert!(refused(late - DAY).await.ends_with("is in the past: ask for a later one, or for none"));
        assert!(refused(late + DAY * 91).await.contains("is later than what the profile gives"));
        let born = SubjectFacts {
            serial_number: Some("A-17".to_owned()),
            hardware: Some(hardware()),
            ..SubjectFacts::default()
        };
        assert!(refusal(ca.issue(request("idevid", csr(""), born), late).await).starts_with(
            "the certificate would last until 9999-12-31T23:59:59Z, its authority's lasts until 2028-"
        ));
        let after = end + SignedDuration::from_secs(1);
        assert!(refusal(ca.issue(device("pump-4"), after).await).contains("certificate expired at 2028-"));
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_went_back_signs_nothing_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("muster.db");
    let back = SignedDuration::from_mins(6);
    {
        let db = Db::open_sqlite(&path).await.unwrap();
        let ca = open(dir.path(), &db).await;
        ca.issue(device("pump-1"), now() + DAY).await.unwrap();
        ca.issue(device("pump-1"), now() + DAY - SignedDuration::from_mins(5)).await.unwrap();
        let refused = refusal(ca.issue(device("pump-1"), now() + DAY - back).await);
        assert_eq!(
            refused,
            "the clock went back by 360 s since the last certificate was signed: correct it, then ask again"
        );
        drop(ca);
        db.close().await;
    }
    let db = Db::open_sqlite(&path).await.unwrap();
    let ca = open(dir.path(), &db).await;
    // A restart knows when the last one was recorded, which is when it was signed but for moments.
    assert!(refusal(ca.issue(device("pump-1"), now()).await).starts_with("the clock went back by"));
    ca.issue(device("pump-1"), now() + DAY).await.unwrap();
}
