//! Certificates renewed.

use jiff::SignedDuration;
use rcgen::DnValue;

use super::*;
use crate::{Grant, Holder, Quota, Reason, RenewError, RenewRequest, What, renew_after, workshop::DAY};

fn renewal(old: &Certificate, csr: Csr) -> RenewRequest {
    let sha256 = old.sha256().to_string();
    RenewRequest {
        old: old.clone(),
        csr,
        caller: Caller {
            name: "pump-1".to_owned(),
            credential: Credential::Certificate { sha256 },
            from: None,
        },
        authority: None,
        idempotency_key: None,
        holder: None,
    }
}

fn said(renewed: Result<Issued, RenewError>) -> String {
    renewed.map(|issued| issued.certificate).unwrap_err().to_string()
}

/// A device's first certificate.
async fn enrolled(ca: &Ca, key: &KeyPair) -> Issued {
    let subject = SubjectFacts { uris: vec!["urn:example:pump-1".to_owned()], ..facts("pump-1") };
    let holder = Some(Holder { name: "pump-1".to_owned(), generation: "g1".to_owned() });
    ca.issue(Request { holder, ..request("device", csr_of("pump-1", key), subject) }, now()).await.unwrap()
}

#[tokio::test]
async fn who_shows_a_certificate_gets_another_for_the_same_names_with_an_old_or_a_new_key() {
    for_each_ca(async |ca| {
        let key = KeyPair::generate().unwrap();
        let first = enrolled(&ca, &key).await;
        let later = now() + DAY * 60;
        for csr in [csr_of("pump-1", &key), csr("pump-1"), csr("")] {
            let renewed = ca.renew(renewal(&first.certificate, csr.clone()), later).await.unwrap();
            assert_eq!(renewed.certificate.subject_der(), first.certificate.subject_der());
            assert_eq!(renewed.certificate.spki_der(), csr.spki_der());
            assert_eq!(renewed.certificate.not_after(), first.certificate.not_after() + DAY * 60);
            let stored = ca.certificate(renewed.serial, None).await.unwrap().unwrap();
            assert_eq!(
                (stored.holder.as_deref(), stored.generation.as_deref()),
                (Some("pump-1"), Some("g1"))
            );
            let dir = tempfile::tempdir().unwrap();
            let [.., leaf] = on_disk(dir.path(), &renewed);
            let text = openssl(&["x509", "-in", &leaf, "-noout", "-ext", "subjectAltName"]);
            assert!(text.contains("URI:urn:example:pump-1"), "{text}");
        }
        assert_eq!(&*last_entry(&ca).await.action, "certificate.renew");
        assert_eq!(
            renew_after(&first.certificate),
            Some(first.certificate.not_before() + DAY * 60 - SignedDuration::from_secs(2))
        );
        let generation = Some(Holder { name: "pump-1".to_owned(), generation: "g2".to_owned() });
        let renewed = ca
            .renew(RenewRequest { holder: generation, ..renewal(&first.certificate, csr("")) }, later)
            .await
            .unwrap();
        assert_eq!(
            ca.certificate(renewed.serial, None).await.unwrap().unwrap().generation.as_deref(),
            Some("g2")
        );
    })
    .await;
}

#[tokio::test]
async fn another_identity_is_refused() {
    for_each_ca(async |ca| {
        let key = KeyPair::generate().unwrap();
        let first = enrolled(&ca, &key).await.certificate;
        assert_eq!(
            said(ca.renew(renewal(&first, csr("pump-2")), now()).await),
            "subject `CN=pump-2` is not that of the certificate, `CN=pump-1`: ask for the same"
        );
        for san in
            ["subjectAltName=URI:urn:example:pump-2", "subjectAltName=DNS:a.example,URI:urn:example:pump-1"]
        {
            assert_eq!(
                said(ca.renew(renewal(&first, openssl_csr("/CN=pump-1", &P256, &[san])), now()).await),
                "subject alternative names are not those of the certificate, which has `urn:example:pump-1`: ask for the same, or for none"
            );
        }
        let same = openssl_csr("/CN=pump-1", &P256, &["subjectAltName=URI:urn:example:pump-1"]);
        ca.renew(renewal(&first, same), now()).await.unwrap();
        let other = Some(Holder { name: "pump-2".to_owned(), generation: "g1".to_owned() });
        assert_eq!(
            said(ca.renew(RenewRequest { holder: other, ..renewal(&first, csr("")) }, now()).await),
            "holder `pump-2` is not that of the certificate, `pump-1`: ask for the same"
        );
        assert_eq!(&*last_entry(&ca).await.decision, "refused");
        let authority = openssl_csr("/CN=pump-1", &P256, &["basicConstraints=critical,CA:TRUE"]);
        assert!(said(ca.renew(renewal(&first, authority), now()).await).contains("asks to be an authority"));
    })
    .await;
}

#[tokio::test]
async fn a_certificate_of_others_or_one_that_was_never_issued_is_not_renewed() {
    for_each_ca(async |ca| {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open_memory().await.unwrap();
        let other = open(dir.path(), &db).await;
        let key = KeyPair::generate().unwrap();
        let foreign = enrolled(&other, &key).await.certificate;
        assert!(
            said(ca.renew(renewal(&foreign, csr("pump-1")), now()).await).contains("was not issued here")
        );
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_expired_certificate_is_renewed_within_the_grace_of_its_profile_for_the_same_key_only() {
    for_each_ca(async |ca| {
        let key = KeyPair::generate().unwrap();
        let first = enrolled(&ca, &key).await.certificate;
        let expired = first.not_after() + DAY;
        let ask = async |csr: Csr, at| ca.renew(renewal(&first, csr), at).await;
        let same_key = || csr_of("pump-1", &key);
        assert!(said(ask(same_key(), expired).await).ends_with("too long ago: enroll anew"));

        let text = include_str!("../../../profiles/device.toml").replace("grace = \"0d\"", "grace = \"7d\"");
        ca.put_profile("device", &text, &Caller::process(), now()).await.unwrap();
        assert!(said(ask(csr("pump-1"), expired).await).contains("for the same key only"));
        ask(same_key(), expired).await.unwrap();
        assert!(said(ask(same_key(), expired + DAY * 7).await).contains("too long ago"));

        let (text, _) = text.split_once("[renewal]").unwrap();
        ca.put_profile("device", text, &Caller::process(), now()).await.unwrap();
        assert!(said(ask(same_key(), expired).await).contains("which is not renewed: enroll anew"));
    })
    .await;
}

#[tokio::test]
async fn a_profile_may_want_a_new_key_or_the_old_one() {
    for_each_ca(async |ca| {
        const TEXT: &str = include_str!("../../../profiles/device.toml");
        let key = KeyPair::generate().unwrap();
        let first = enrolled(&ca, &key).await.certificate;
        let same_key = || csr_of("pump-1", &key);
        let ask = async |csr: Csr, at| ca.renew(renewal(&first, csr), at).await;
        for (rule, csr, refused) in [
            ("new", same_key(), "profile `device` wants a new key at renewal: make a new key pair"),
            (
                "same",
                csr("pump-1"),
                "profile `device` keeps the key at renewal: ask with the key of the certificate",
            ),
        ] {
            let text = TEXT.replace("keys = \"any\"", &format!("keys = \"{rule}\""));
            ca.put_profile("device", &text, &Caller::process(), now()).await.unwrap();
            assert_eq!(said(ask(csr, now()).await), refused);
        }
    })
    .await;
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_yet_is_not_renewed() {
    for_each_ca(async |ca| {
        let text =
            include_str!("../../../profiles/device.toml").replace("backdate = \"5m\"", "backdate = \"0s\"");
        ca.put_profile("device", &text, &Caller::process(), now()).await.unwrap();
        let first = enrolled(&ca, &KeyPair::generate().unwrap()).await.certificate;
        let refused =
            said(ca.renew(renewal(&first, csr("pump-1")), now() - SignedDuration::from_mins(1)).await);
        assert!(refused.ends_with("is valid from 2026-11-20T12:00:00Z on: correct the clock"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn others_than_its_holder_need_a_grant_and_its_holder_some_patience() {
    for_each_ca(async |ca| {
        let key = KeyPair::generate().unwrap();
        let first = enrolled(&ca, &key).await.certificate;
        let by = |caller| RenewRequest { caller, ..renewal(&first, csr("pump-1")) };
        assert!(said(ca.renew(by(operator("line-1")), now()).await).contains("has no grant"));
        let stranger = Credential::Certificate { sha256: "00".repeat(32) };
        let stranger = Caller { name: "pump-1".to_owned(), credential: stranger, from: None };
        assert!(said(ca.renew(by(stranger), now()).await).contains("has no grant"));
        let grant = Grant {
            id: "lines".to_owned(),
            to: "policy:line-1".to_owned(),
            authority: "issuing".to_owned(),
            profile: "device".to_owned(),
            names: vec!["pump-*".to_owned()],
            quota: Quota::default(),
            rate: None,
            until: None,
        };
        let put = async |grant| ca.put_grant(grant, &Caller::process(), now()).await.unwrap();
        put(grant.clone()).await;
        assert!(
            said(ca.renew(by(operator("line-1")), now()).await).contains("`urn:example:pump-1` is outside")
        );
        put(Grant { names: vec!["*pump-1".to_owned()], ..grant }).await;
        ca.renew(by(operator("line-1")), now()).await.unwrap();

        let mut renewed = 0;
        let refused = loop {
            match ca.renew(renewal(&first, csr("pump-1")), now()).await {
                Ok(_) => renewed += 1,
                Err(error) => break error.to_string(),
            }
        };
        assert_eq!(renewed, 10);
        assert!(refused.contains("asks too fast: try again in 6"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn a_renewal_with_an_idempotency_key_is_one_certificate() {
    for_each_ca(async |ca| {
        let key = KeyPair::generate().unwrap();
        let first = enrolled(&ca, &key).await.certificate;
        let asked = RenewRequest { idempotency_key: Some("r1".to_owned()), ..renewal(&first, csr("pump-1")) };
        let (one, other) = tokio::join!(ca.renew(asked.clone(), now()), ca.renew(asked, now()));
        assert_eq!(one.unwrap().certificate, other.unwrap().certificate);
    })
    .await;
}

#[tokio::test]
async fn a_revoked_holder_is_not_made_whole_by_asking_with_its_next_generation() {
    for_each_ca(async |ca| {
        let key = KeyPair::generate().unwrap();
        let holder = Some(ca.holder("pump-1"));
        let subject = facts("pump-1");
        let asked = Request { holder, ..request("device", csr_of("pump-1", &key), subject) };
        let first = ca.issue(asked, now()).await.unwrap();
        ca.revoke(What::Holder("pump-1".to_owned()), Reason::KeyCompromise, &Caller::process(), now())
            .await
            .unwrap();
        let next = RenewRequest {
            holder: Some(ca.holder("pump-1")),
            ..renewal(&first.certificate, csr_of("pump-1", &key))
        };
        let refused = said(ca.renew(next, now() + DAY).await);
        assert!(refused.contains("revoked"), "{refused}");
    })
    .await;
}

/// Go writes a PrintableString where it can, and we a UTF8String: to a reader they are the same name.
#[tokio::test]
async fn the_type_of_string_is_no_other_subject_and_another_text_or_order_is() {
    let dir = tempfile::tempdir().unwrap();
    let ca = open(dir.path(), &Db::open_memory().await.unwrap()).await;
    let key = KeyPair::generate().unwrap();
    let numbered = |values: [(DnType, DnValue); 2]| {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in values {
            params.distinguished_name.push(kind, value);
        }
        Csr::parse(params.serialize_request(&key).unwrap().der()).unwrap()
    };
    let printable = |text: &str| DnValue::PrintableString(text.try_into().unwrap());
    let utf8 = |text: &str| DnValue::Utf8String(text.to_owned());
    let number = || DnType::CustomDnType(vec![2, 5, 4, 5]);
    let facts = SubjectFacts { serial_number: Some("17".to_owned()), ..facts("pump-1") };
    let first = numbered([(DnType::CommonName, utf8("pump-1")), (number(), printable("17"))]);
    let first = ca.issue(request("device", first, facts), now()).await.unwrap();
    for same in [
        [(DnType::CommonName, printable("pump-1")), (number(), printable("17"))],
        [(DnType::CommonName, utf8("pump-1")), (number(), utf8("17"))],
    ] {
        let renewed = ca.renew(renewal(&first.certificate, numbered(same)), now()).await.unwrap();
        assert_eq!(renewed.certificate.subject_der(), first.certificate.subject_der());
    }
    for other in [
        [(DnType::CommonName, printable("Pump-1")), (number(), printable("17"))],
        [(number(), printable("17")), (DnType::CommonName, printable("pump-1"))],
        [(DnType::CommonName, printable("pump-1")), (DnType::OrganizationName, printable("17"))],
        [(DnType::CommonName, DnValue::Ia5String("pump-1".try_into().unwrap())), (number(), printable("17"))],
    ] {
        let said = said(ca.renew(renewal(&first.certificate, numbered(other)), now()).await);
        assert!(said.contains("is not that of the certificate"), "{said}");
    }
}
