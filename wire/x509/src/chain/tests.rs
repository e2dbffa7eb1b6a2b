//! Paths that lead to the authority and paths that do not, each refusal with its reason.

mod bounds;
mod extensions;
mod revocation;
mod validation;

use rcgen::{ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd};

use super::{ChainError, NotAnAuthority, Place, fit_to_anchor, verify};
use crate::{
    Certificate, issued_by, read_certificates, to_pem,
    workshop::{Bend, Made, VERSION_1, authority_params, bent_root, now, root},
};

fn check(chain: &[&Certificate], anchor: &Made) -> Result<(), ChainError> {
    let chain: Vec<Certificate> = chain.iter().map(|&certificate| certificate.clone()).collect();
    verify(&chain, &anchor.certificate, now())
}

fn said(chain: &[&Certificate], anchor: &Made) -> String {
    check(chain, anchor).unwrap_err().to_string()
}

#[test]
fn a_leaf_leads_through_its_intermediate_to_the_root() {
    let root = root("root");
    let line = root.authority("line");
    let leaf = line.leaf("device");
    assert_eq!(check(&[&leaf, &line.certificate], &root), Ok(()));
}

#[test]
fn a_leaf_alone_leads_to_the_authority_that_issued_it() {
    let root = root("root");
    let line = root.authority("line");
    let leaf = line.leaf("device");
    assert_eq!(check(&[&leaf], &line), Ok(()));
    assert!(issued_by(&leaf, &line.certificate));
    assert!(!issued_by(&leaf, &root.certificate));
    // What lies above the authority that was enrolled does not matter.
    assert_eq!(check(&[&leaf, &line.certificate, &root.certificate], &line), Ok(()));
}

#[test]
fn what_could_not_anchor_a_chain_is_known_before_there_is_one() {
    let top = root("root");
    assert_eq!(fit_to_anchor(&top.certificate), Ok(()));
    let cannot = bent_root("root", |params| params.key_usages = vec![KeyUsagePurpose::CrlSign]);
    let why = fit_to_anchor(&cannot.certificate);
    assert!(matches!(why, Err(ChainError::NotAnAuthority { why: NotAnAuthority::NoKeyCertSign, .. })));
    assert!(fit_to_anchor(&top.leaf("device")).is_err());
}

#[test]
fn the_certificates_after_the_leaf_may_come_in_any_order_with_strangers_among_them() {
    let root = root("root");
    let region = root.authority("region");
    let line = region.authority("line");
    let leaf = line.leaf("device");
    let stranger = bent_root("stranger", |params| params.not_after = date_time_ymd(2026, 2, 2));
    let version_1 = read_certificates(VERSION_1).unwrap().remove(0);
    let [region, line, top] = [&region.certificate, &line.certificate, &root.certificate];
    for order in [[region, line, top], [line, top, region], [top, region, line], [top, line, region]] {
        let chain = [&[&leaf, &stranger.certificate], &order[..], &[&version_1]].concat();
        assert_eq!(check(&chain, &root), Ok(()));
    }
}

#[test]
fn every_usual_kind_of_key_signs() {
    let root = root("root");
    let algorithms = [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ECDSA_P521_SHA512,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
        &rcgen::PKCS_RSA_SHA384,
        &rcgen::PKCS_RSA_SHA512,
    ];
    for algorithm in algorithms {
        let line = root.issue(authority_params("line"), KeyPair::generate_for(algorithm).unwrap());
        let leaf = line.leaf("device");
        assert_eq!(check(&[&leaf, &line.certificate], &root), Ok(()), "{algorithm:?}");
        assert!(issued_by(&leaf, &line.certificate), "{algorithm:?}");
    }
}

#[test]
fn a_leaf_needs_no_extended_key_usage_and_no_key_usage() {
    let root = root("root");
    for bend in [
        (|params| params.extended_key_usages.clear()) as Bend,
        |params| params.key_usages.clear(),
        |params| params.is_ca = IsCa::NoCa,
        |params| params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth),
    ] {
        assert_eq!(check(&[&root.bent_leaf("device", bend)], &root), Ok(()));
    }
}

#[test]
fn dates_count_to_the_second_at_both_ends() {
    let root = root("root");
    let leaf = root.leaf("device");
    let at = |text: &str| verify(std::slice::from_ref(&leaf), &root.certificate, text.parse().unwrap());
    assert!(matches!(at("2025-12-31T23:59:59.999Z"), Err(ChainError::NotYetValid { .. })));
    assert_eq!(at("2026-01-01T00:00:00Z"), Ok(()));
    assert_eq!(at("2027-01-01T00:00:00.999Z"), Ok(()));
    assert!(matches!(at("2027-01-01T00:00:01Z"), Err(ChainError::Expired { .. })));
}

#[test]
fn whoever_is_expired_or_early_is_named_with_the_dates() {
    let expired: Bend = |params| params.not_after = date_time_ymd(2026, 2, 2);
    let early: Bend = |params| params.not_before = date_time_ymd(2026, 12, 12);
    for (bend, what) in [
        (
            expired,
            "expired at 2026-02-02T00:00:00Z, now is 2026-11-20T12:00:00Z: renew it, or correct the clock",
        ),
        (
            early,
            "is not valid before 2026-12-12T00:00:00Z, now is 2026-11-20T12:00:00Z: wait, or correct the clock",
        ),
    ] {
        let top = root("root");
        let line = top.authority("line");
        assert_eq!(
            said(&[&line.bent_leaf("device", bend), &line.certificate], &top),
            format!("leaf `CN=device` {what}")
        );
        let line = top.bent_authority("line", bend);
        let leaf = line.leaf("device");
        assert_eq!(
            said(&[&leaf, &line.certificate], &top),
            format!("intermediate at depth 1 `CN=line` {what}")
        );
        let bent = bent_root("root", bend);
        assert_eq!(said(&[&bent.leaf("device")], &bent), format!("authority `CN=root` {what}"));
    }
}

#[test]
fn a_missing_intermediate_is_told_by_its_name() {
    let root = root("root");
    let region = root.authority("region");
    let line = region.authority("line");
    let leaf = line.leaf("device");
    assert_eq!(
        said(&[&leaf], &root),
        "leaf `CN=device` is not issued by `CN=root`, nor by a certificate that was presented: its issuer is `CN=line`; \
         send the missing certificate along, or enroll that issuer"
    );
    assert_eq!(
        check(&[&leaf, &line.certificate], &root),
        Err(ChainError::NotIssued {
            place: Place::Intermediate { depth: 1 },
            subject: "CN=line".to_owned(),
            issuer: "CN=region".to_owned(),
            anchor: "CN=root".to_owned(),
        })
    );
}

#[test]
fn a_foreign_authority_of_the_same_name_is_no_issuer() {
    let (ours, theirs) = (root("root"), root("root"));
    let leaf = theirs.leaf("device");
    assert!(!issued_by(&leaf, &ours.certificate));
    assert_eq!(
        said(&[&leaf], &ours),
        "signature of leaf `CN=device` does not verify with the key of `CN=root`: the issuer has the same name but another \
         key, or the certificate was altered; issue it again"
    );
    // Presenting the foreign root does not help.
    assert!(check(&[&leaf, &theirs.certificate], &ours).is_err());
}

#[test]
fn an_intermediate_crossed_by_a_second_root_leads_to_either() {
    let (old, new) = (root("old"), root("new"));
    let line = old.authority("line");
    let crossed = line.crossed_by(&new);
    let leaf = line.leaf("device");
    for order in [[&line.certificate, &crossed], [&crossed, &line.certificate]] {
        for anchor in [&old, &new] {
            assert_eq!(check(&[&leaf, order[0], order[1]], anchor), Ok(()));
        }
    }
}

#[test]
fn a_sound_path_is_found_past_a_bent_one_of_the_same_names() {
    let (old, new) = (root("old"), root("new"));
    let line = old.bent_authority("line", |params| params.key_usages = vec![KeyUsagePurpose::CrlSign]);
    let leaf = line.leaf("device");
    let error = check(&[&leaf, &line.certificate], &old);
    assert!(
        matches!(error, Err(ChainError::NotAnAuthority { why: NotAnAuthority::NoKeyCertSign, .. })),
        "{error:?}"
    );
    // The same key, certified soundly elsewhere, whose root is itself certified by the old one.
    let sound = new.issue(authority_params("line"), line.key_again()).certificate;
    let bridge = new.crossed_by(&old);
    assert_eq!(check(&[&leaf, &line.certificate, &sound, &bridge], &old), Ok(()));
}

#[test]
fn an_altered_certificate_does_not_verify() {
    let root = root("root");
    let mut der = root.leaf("device").der().to_vec();
    let at = der.windows(6).position(|window| window == b"device").unwrap();
    der[at] = b'x';
    let altered = Certificate::parse(&der).unwrap();
    assert!(matches!(check(&[&altered], &root), Err(ChainError::BadSignature { place: Place::Leaf, .. })));
}

#[test]
fn a_signature_algorithm_that_is_too_old_is_named() {
    // SHA-1 with RSA, self-signed by openssl: read, described, known by its thumbprint, and no issuer of anything.
    let sha1 = read_certificates(include_str!("tests/sha1_root.pem")).unwrap().remove(0);
    assert!(sha1.is_ca());
    assert!(!issued_by(&sha1, &sha1));
    let leaf = read_certificates(include_str!("tests/sha1_leaf.pem")).unwrap();
    let text = verify(&leaf, &sha1, "2030-01-01T00:00:00Z".parse().unwrap()).unwrap_err().to_string();
    assert!(
        text.starts_with("signature algorithm `1.2.840.113549.1.1.5` of leaf `CN=sha1-device`"),
        "{text}"
    );
}

#[test]
fn what_is_written_as_pem_verifies_after_reading() {
    let root = root("root");
    let line = root.authority("line");
    let text = to_pem(line.leaf("device").der()) + &to_pem(line.certificate.der());
    let chain = read_certificates(&text.replace('\n', "")).unwrap();
    assert_eq!(verify(&chain, &root.certificate, now()), Ok(()));
}
