//! Paths that lead to the authority and paths that do not, each refusal with its reason.

use rcgen::{
    BasicConstraints, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose,
    NameConstraints, SanType, date_time_ymd,
};

use super::{ChainError, NotAnAuthority, PATH_DEPTH_MAX, PRESENTED_MAX, Place, issued_by, verify};
use crate::{
    Certificate, read_certificates, to_pem,
    workshop::{
        Bend, Made, VERSION_1, authority_params, bent_root, leaf_params, now, odd_extension, root,
        self_signed,
    },
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
fn depth_and_number_are_bounded() {
    let top = root("root");
    let mut authorities = vec![];
    for depth in 1..=PATH_DEPTH_MAX {
        let parent = authorities.last().unwrap_or(&top);
        let next = parent.authority(&format!("level {depth}"));
        authorities.push(next);
    }
    let chain_of = |length: usize| {
        let leaf = authorities[length - 1].leaf("device");
        let above: Vec<_> = authorities[..length].iter().rev().map(|made| made.certificate.clone()).collect();
        [vec![leaf], above].concat()
    };
    assert_eq!(verify(&chain_of(PATH_DEPTH_MAX - 1), &top.certificate, now()), Ok(()));
    assert_eq!(verify(&chain_of(PATH_DEPTH_MAX), &top.certificate, now()), Err(ChainError::TooDeep));
    let crowd = vec![top.leaf("device"); PRESENTED_MAX + 1];
    let error = verify(&crowd, &top.certificate, now());
    assert_eq!(error, Err(ChainError::TooMany { presented: PRESENTED_MAX + 1 }));
    assert_eq!(verify(&crowd[1..], &top.certificate, now()), Ok(()));
    assert_eq!(verify(&[], &top.certificate, now()), Err(ChainError::Empty));
}

#[test]
fn path_lengths_hold_in_the_anchor_too() {
    let none: Bend = |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let top = bent_root("root", none);
    assert_eq!(check(&[&top.leaf("device")], &top), Ok(()));
    let line = top.authority("line");
    let leaf = line.leaf("device");
    let of = |place, subject: &str| {
        Err(ChainError::PathLength { place, subject: subject.to_owned(), allowed: 0, found: 1 })
    };
    assert_eq!(check(&[&leaf, &line.certificate], &top), of(Place::Anchor, "CN=root"));

    let top = root("root");
    let region = top.bent_authority("region", none);
    let line = region.authority("line");
    let leaf = line.leaf("device");
    let chain = [&leaf, &line.certificate, &region.certificate];
    assert_eq!(check(&chain, &top), of(Place::Intermediate { depth: 2 }, "CN=region"));
}

#[test]
fn an_anchor_or_intermediate_must_say_soundly_that_it_is_an_authority() {
    let cases: [(Bend, &str); 4] = [
        (|params| params.is_ca = IsCa::NoCa, "has no basicConstraints"),
        (|params| params.is_ca = IsCa::ExplicitNoCa, "has basicConstraints CA:FALSE"),
        (
            |params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature],
            "has a keyUsage without keyCertSign",
        ),
        (|params| params.distinguished_name = rcgen::DistinguishedName::new(), "has an empty subject"),
    ];
    for (bend, what) in cases {
        let bent = bent_root("root", bend);
        let text = said(&[&bent.leaf("device")], &bent);
        assert!(text.starts_with("authority `") && text.contains(what), "{text}");
        let top = root("root");
        let line = top.bent_authority("line", bend);
        let leaf = line.leaf("device");
        let text = said(&[&leaf, &line.certificate], &top);
        assert!(text.starts_with("intermediate at depth 1 `") && text.contains(what), "{text}");
    }
    let version_1 = read_certificates(VERSION_1).unwrap().remove(0);
    let error = verify(&[root("root").leaf("device")], &version_1, "2030-01-01T00:00:00Z".parse().unwrap())
        .unwrap_err();
    assert!(
        error.to_string().contains("cannot issue certificates because it is a version 1 certificate"),
        "{error}"
    );
}

#[test]
fn extensions_that_mean_something_unknown_or_nothing_are_refused_on_the_path_and_ignored_beside_it() {
    let cases: [(Bend, &str); 5] = [
        (
            |params| params.custom_extensions = vec![odd_extension(&[1, 2, 3, 4], true)],
            "critical extension `1.2.3.4`, which is not understood",
        ),
        (
            |params| params.custom_extensions = vec![odd_extension(&[2, 5, 29, 35], true)],
            "extension `2.5.29.35` marked critical, which RFC 5280 forbids",
        ),
        (
            |params| params.custom_extensions = vec![odd_extension(&[1, 3, 6, 1, 5, 5, 7, 1, 1], true)],
            "extension `1.3.6.1.5.5.7.1.1` marked critical",
        ),
        (
            |params| params.custom_extensions = vec![odd_extension(&[2, 5, 29, 36], false)],
            "extension `2.5.29.36` not marked critical, which RFC 5280 demands",
        ),
        (
            |params| params.custom_extensions = vec![odd_extension(&[2, 5, 29, 31], false)],
            "extension `2.5.29.31` that cannot be read",
        ),
    ];
    for (bend, what) in cases {
        let top = root("root");
        let text = said(&[&top.bent_leaf("device", bend)], &top);
        assert!(text.starts_with("leaf `CN=device` ") && text.contains(what), "{text}");
        let line = top.bent_authority("line", bend);
        let leaf = line.leaf("device");
        let text = said(&[&leaf, &line.certificate], &top);
        assert!(text.starts_with("intermediate at depth 1 `CN=line` ") && text.contains(what), "{text}");
        let bent = bent_root("root", bend);
        let text = said(&[&bent.leaf("device")], &bent);
        assert!(text.starts_with("authority `CN=root` ") && text.contains(what), "{text}");
        assert_eq!(check(&[&top.leaf("device"), &line.certificate], &top), Ok(()));
    }
    let twice: Bend = |params| {
        params.custom_extensions = vec![odd_extension(&[1, 2, 3], false), odd_extension(&[1, 2, 3], false)]
    };
    let top = root("root");
    assert!(said(&[&top.bent_leaf("device", twice)], &top).contains("extension `1.2.3` twice"));
    // An unknown extension that is not critical is nobody's business.
    let fine: Bend = |params| params.custom_extensions = vec![odd_extension(&[1, 2, 3, 4], false)];
    assert_eq!(check(&[&top.bent_leaf("device", fine)], &top), Ok(()));
}

#[test]
fn basic_constraints_of_an_authority_must_be_critical() {
    // rcgen writes them critical; the flag is what follows the OID in the DER.
    let top = root("root");
    let mut der = top.certificate.der().to_vec();
    let at = der.windows(8).position(|window| window == [6, 3, 0x55, 0x1d, 0x13, 1, 1, 0xff]).unwrap();
    der[at + 7] = 0;
    let bent = Certificate::parse(&der).unwrap();
    let error = verify(&[top.leaf("device")], &bent, now()).unwrap_err();
    assert!(matches!(&error, ChainError::MustBeCritical { oid, .. } if oid == "2.5.29.19"), "{error}");
}

#[test]
fn a_leaf_is_no_authority_and_does_not_look_like_one() {
    let top = root("root");
    let line = top.authority("line");
    assert!(
        said(&[&line.certificate], &top)
            .starts_with("leaf `CN=line` is an authority itself (basicConstraints CA:TRUE)")
    );
    assert!(said(&[&top.certificate], &top).starts_with("leaf `CN=root` is an authority itself"));
    let signs: Bend = |params| params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    assert!(
        said(&[&top.bent_leaf("device", signs)], &top)
            .contains("may sign certificates (keyUsage keyCertSign)")
    );
    let constrains: Bend = |params| {
        let dns = GeneralSubtree::DnsName("example".to_owned());
        let constraints = NameConstraints { permitted_subtrees: vec![dns], excluded_subtrees: vec![] };
        params.custom_extensions = vec![];
        params.name_constraints = Some(constraints);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    };
    // rcgen writes nameConstraints for authorities only; so this one is stopped for being one.
    assert!(check(&[&top.bent_leaf("device", constrains)], &top).is_err());
    let version_1 = read_certificates(VERSION_1).unwrap().remove(0);
    let text = verify(&[version_1], &top.certificate, now()).unwrap_err().to_string();
    assert!(text.starts_with("leaf `CN=sensor-v1,") && text.contains("is a version 1 certificate"), "{text}");
}

#[test]
fn a_certificate_for_servers_only_is_not_for_clients() {
    let top = root("root");
    let servers: Bend = |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    assert_eq!(
        said(&[&top.bent_leaf("device", servers)], &top),
        "leaf `CN=device` is not for TLS clients (extendedKeyUsage lacks clientAuth): issue it with clientAuth, or without \
         extendedKeyUsage"
    );
    let line = top.bent_authority("line", servers);
    let leaf = line.leaf("device");
    assert!(
        said(&[&leaf, &line.certificate], &top)
            .starts_with("intermediate at depth 1 `CN=line` is not for TLS clients")
    );
}

#[test]
fn name_constraints_hold() {
    let top = bent_root("root", |params| {
        let inside = GeneralSubtree::DnsName("factory.example".to_owned());
        params.name_constraints =
            Some(NameConstraints { permitted_subtrees: vec![inside], excluded_subtrees: vec![] });
    });
    let named = |name: &str| {
        let mut params = leaf_params("device");
        params.subject_alt_names = vec![SanType::DnsName(name.try_into().unwrap())];
        top.issue(params, KeyPair::generate().unwrap()).certificate
    };
    assert_eq!(check(&[&named("d1.factory.example")], &top), Ok(()));
    assert!(
        said(&[&named("d1.elsewhere.example")], &top)
            .starts_with("name of leaf `CN=device` is outside the nameConstraints")
    );
}

#[test]
fn a_signature_algorithm_that_is_too_old_is_named() {
    // SHA-1 with RSA, self-signed by openssl: read, described, known by its thumbprint, and no issuer of anything.
    let sha1 = read_certificates(include_str!("sha1_root.pem")).unwrap().remove(0);
    assert!(sha1.is_ca());
    assert!(!issued_by(&sha1, &sha1));
    let leaf = read_certificates(include_str!("sha1_leaf.pem")).unwrap();
    let text = verify(&leaf, &sha1, "2030-01-01T00:00:00Z".parse().unwrap()).unwrap_err().to_string();
    assert!(
        text.starts_with("signature algorithm `1.2.840.113549.1.1.5` of leaf `CN=sha1-device`"),
        "{text}"
    );
}

#[test]
fn many_authorities_of_one_name_cost_little() {
    // Every certificate could have issued every other by name; none did. webpki stops by its budgets, we by the number.
    let top = root("same");
    let crowd: Vec<Certificate> = (1..PRESENTED_MAX).map(|_| root("same").certificate).collect();
    let leaf = self_signed(leaf_params("same"), KeyPair::generate().unwrap()).certificate;
    let chain = [vec![leaf], crowd].concat();
    #[expect(clippy::disallowed_methods, reason = "a test of how long something takes needs a clock")]
    let start = std::time::Instant::now();
    assert!(verify(&chain, &top.certificate, now()).is_err());
    assert!(start.elapsed().as_millis() < 2_000, "{:?}", start.elapsed());
}

#[test]
fn a_mesh_of_crossed_authorities_costs_little() {
    // Eight keys of one name, each certified by the next: every path looks promising for as long as there is budget.
    let mut made = vec![root("mesh")];
    for _ in 0..PRESENTED_MAX - 2 {
        let next = made[made.len() - 1].authority("mesh");
        made.push(next);
    }
    let leaf = made[made.len() - 1].leaf("device");
    let chain: Vec<_> =
        std::iter::once(leaf).chain(made.iter().map(|made| made.certificate.clone())).collect();
    assert_eq!(chain.len(), PRESENTED_MAX);
    let other = root("mesh");
    #[expect(clippy::disallowed_methods, reason = "a test of how long something takes needs a clock")]
    let start = std::time::Instant::now();
    assert!(verify(&chain, &other.certificate, now()).is_err());
    assert!(start.elapsed().as_millis() < 2_000, "{:?}", start.elapsed());
}

#[test]
fn what_is_written_as_pem_verifies_after_reading() {
    let root = root("root");
    let line = root.authority("line");
    let text = to_pem(line.leaf("device").der()) + &to_pem(line.certificate.der());
    let chain = read_certificates(&text.replace('\n', "")).unwrap();
    assert_eq!(verify(&chain, &root.certificate, now()), Ok(()));
}
