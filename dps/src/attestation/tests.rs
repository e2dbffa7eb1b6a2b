//! Proofs as tables: the contract's vector, and chains of every shape against groups.

use std::sync::Arc;

use muster_sas::{Key, sign};
use muster_x509::Certificate;
use serde_json::json;

use super::*;
use crate::{
    EnrollmentKind,
    enrollment::{Etag, Known, Standing, Stored, define},
    external_crl::Crls,
    tests::{SCOPE, authority, id, key, leaf, now, root, symmetric, x509},
};

fn group(name: &str, attestation: serde_json::Value) -> Arc<Enrollment> {
    enrolled(EnrollmentKind::Group, name, attestation)
}

fn enrolled(kind: EnrollmentKind, name: &str, attestation: serde_json::Value) -> Arc<Enrollment> {
    let definition = define(kind, id(name), &json!({ "attestation": attestation }), Known::Store).unwrap();
    Arc::new(definition.stamped(Etag::stored("0"), now(), now()))
}

fn by_chain(name: &str, chain: &[Certificate], groups: &Groups) -> Result<String, Rejected> {
    let id = id(name);
    let evidence = Evidence { scope: SCOPE, id: &id, token: None, chain, now: now() };
    let verified = attest(evidence, None, groups, None, &mut Steps::new(now()))?;
    Ok(verified.enrollment().id().to_string())
}

fn by_token(name: &str, text: &str, groups: &Groups) -> Result<Verified, Rejected> {
    let (id, token) = (id(name), Token::parse(text).unwrap());
    let evidence = Evidence { scope: SCOPE, id: &id, token: Some(&token), chain: &[], now: now() };
    attest(evidence, None, groups, None, &mut Steps::new(now()))
}

#[test]
fn the_contracts_vector_derives_the_devices_key() {
    let master = "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==";
    let master = Key::from_base64(master).unwrap();
    let name = "sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6";
    let device = Key::from_base64("Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=").unwrap();
    let groups = Groups::new(0, vec![group("g", symmetric(&master, &key(2)))], Vec::new());
    let token = sign(&format!("{SCOPE}/registrations/{name}"), &device, now().as_second() + 60, None);
    let verified = by_token(name, &token, &groups).unwrap();
    assert_eq!(verified.keys().unwrap().primary, device);
    assert_eq!(verified.device_id(&id(name)).as_str(), name);
}

#[test]
fn tokens_are_taken_as_each_sdk_writes_them() {
    let device = key(1).derive("a:b");
    let groups = Groups::new(0, vec![group("g", symmetric(&key(1), &key(2)))], Vec::new());
    let expires_s = now().as_second() + 60;
    // What is signed is the text as sent, in whatever encoding (dps.md §1.2).
    let signed = |resource: &str, rest: &str| {
        let mac = device.derive(&format!("{resource}\n{expires_s}")).to_base64(); // the same HMAC
        let mac = mac.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        format!("SharedAccessSignature sr={resource}&sig={mac}&se={expires_s}{rest}")
    };
    for (resource, rest) in [
        (format!("{SCOPE}/registrations/a:b"), "&skn=registration"),
        (format!("{SCOPE}%2Fregistrations%2Fa%3Ab"), ""),
        (format!("{SCOPE}%2fregistrations%2fa%3ab"), "&skn="),
        (format!("{SCOPE}/REGISTRATIONS/A:B"), "&skn=Registration"),
    ] {
        assert!(by_token("a:b", &signed(&resource, rest), &groups).is_ok(), "{resource}");
    }
}

#[test]
fn the_group_of_last_time_is_asked_first() {
    let all = ["a", "b", "c"].map(|name| group(name, symmetric(&key(1), &key(2))));
    let groups = Groups::new(0, all.into(), Vec::new());
    let order = |preferred| {
        groups.symmetric_first(preferred).map(|(group, _)| group.id().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(order(None), ["a", "b", "c"]);
    assert_eq!(order(Some("C")), ["c", "a", "b"]);
    assert_eq!(order(Some("gone")), ["a", "b", "c"]);
}

#[test]
fn the_nearest_group_decides_whatever_the_device_sends() {
    let top = root("top");
    let region = authority("region", &top);
    let line = authority("line", &region);
    let device = leaf("d1", &line);
    let [t, r, l] = [&top, &region, &line].map(|authority| authority.certificate.clone());
    let named = |name: &str, certificate: &Certificate| group(name, x509("signingCertificates", certificate));
    let all =
        Groups::new(0, vec![named("1-top", &t), named("2-region", &r), named("3-line", &l)], Vec::new());
    let upper = Groups::new(0, vec![named("1-top", &t), named("2-region", &r)], Vec::new());
    let only_top = Groups::new(0, vec![named("1-top", &t)], Vec::new());
    let d = device.clone();
    for (chain, groups, expected) in [
        (vec![d.clone()], &all, "3-line"),
        (vec![d.clone(), l.clone(), r.clone(), t.clone()], &all, "3-line"),
        (vec![d.clone(), t.clone(), l.clone(), r.clone()], &all, "3-line"),
        (vec![d.clone(), l.clone()], &upper, "2-region"),
        (vec![d.clone(), l.clone(), r.clone()], &only_top, "1-top"),
    ] {
        assert_eq!(by_chain("D1", &chain, groups), Ok(expected.to_owned()));
    }
    assert!(matches!(
        by_chain("d1", std::slice::from_ref(&d), &upper),
        Err(Rejected::NoGroupCertificate { .. })
    ));
    assert!(matches!(by_chain("d1", &[d, l], &only_top), Err(Rejected::NoGroupCertificate { .. })));
    assert!(matches!(by_chain("d1", &[device, r], &only_top), Err(Rejected::NoGroupCertificate { .. })));
}

#[test]
fn a_certificate_of_ours_completes_a_chain_and_an_unverified_one_anchors_none() {
    let top = root("top");
    let line = authority("line", &top);
    let device = leaf("d1", &line);
    let stored = |name: &str, certificate: &Certificate, standing| Stored {
        name: name.to_owned(),
        certificate: certificate.clone(),
        standing,
        crls: Crls::default(),
    };
    let by_name = |name: &str| {
        group(
            &format!("by-{name}"),
            json!({ "type": "x509", "x509": { "caReferences": { "primary": name } } }),
        )
    };
    let helpful = Groups::new(
        0,
        vec![by_name("top")],
        vec![
            stored("Top", &top.certificate, Standing::Verified),
            stored("line", &line.certificate, Standing::Unverified),
        ],
    );
    assert_eq!(by_chain("d1", std::slice::from_ref(&device), &helpful), Ok("by-top".to_owned()));
    let unverified =
        Groups::new(0, vec![by_name("top")], vec![stored("top", &top.certificate, Standing::Unverified)]);
    let chain = [device, line.certificate];
    assert!(matches!(by_chain("d1", &chain, &unverified), Err(Rejected::Unverified { .. })));
}

#[test]
fn an_authority_of_the_same_name_and_another_key_is_passed_over() {
    let (old, new) = (root("factory"), root("factory"));
    let groups = Groups::new(
        0,
        vec![
            group("a-old", x509("signingCertificates", &old.certificate)),
            group("b-new", x509("signingCertificates", &new.certificate)),
        ],
        Vec::new(),
    );
    assert_eq!(by_chain("d1", &[leaf("d1", &new)], &groups), Ok("b-new".to_owned()));
    let foreign = root("factory");
    assert!(matches!(by_chain("d1", &[leaf("d1", &foreign)], &groups), Err(Rejected::Chain(_))));
}

#[test]
fn chains_without_end_or_beginning_are_refused() {
    let top = root("top");
    let groups = Groups::new(0, vec![group("g", x509("signingCertificates", &top.certificate))], Vec::new());
    // The authority itself, a stranger's leaf with ours behind it, more than is allowed.
    assert!(by_chain("top", std::slice::from_ref(&top.certificate), &groups).is_err());
    let stranger = leaf("d1", &root("x"));
    assert!(by_chain("d1", &[stranger, top.certificate.clone()], &groups).is_err());
    let many = vec![leaf("d1", &top); 11];
    assert!(matches!(by_chain("d1", &many, &groups), Err(Rejected::Chain(_))));
    assert_eq!(by_chain("d1", &[], &groups), Err(Rejected::NoCredential));
}

#[test]
fn an_individual_by_authority_wants_its_own_name() {
    let top = root("top");
    let stored = Stored {
        name: "top".to_owned(),
        certificate: top.certificate.clone(),
        standing: Standing::Verified,
        crls: Crls::default(),
    };
    let groups = Groups::new(0, Vec::new(), vec![stored]);
    let own =
        json!({ "type": "x509", "x509": { "caReferences": { "primary": "gone", "secondary": "TOP" } } });
    let own = enrolled(EnrollmentKind::Individual, "d1", own);
    let attested = |name: &str, chain: &[Certificate]| {
        let id = id(name);
        let evidence = Evidence { scope: SCOPE, id: &id, token: None, chain, now: now() };
        attest(evidence, Some(&own), &groups, None, &mut Steps::new(now())).map(drop)
    };
    assert_eq!(attested("d1", &[leaf("d1", &top)]), Ok(()));
    assert!(matches!(attested("d1", &[leaf("d2", &top)]), Err(Rejected::CommonName { .. })));
    assert!(matches!(attested("d1", &[leaf("d1", &root("x"))]), Err(Rejected::Chain(_))));
    assert!(matches!(attested("d1", &[]), Err(Rejected::CertificateMissing { .. })));
}
