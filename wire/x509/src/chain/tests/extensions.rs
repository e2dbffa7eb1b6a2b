//! What the extensions of leaf, intermediate and anchor must say, and must not.

use rcgen::{
    BasicConstraints, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose,
    NameConstraints, SanType,
};

use super::{check, said};
use crate::{
    Certificate, ChainError, Place, read_certificates, verify,
    workshop::{Bend, VERSION_1, bent_root, leaf_params, now, odd_extension, root},
};

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
