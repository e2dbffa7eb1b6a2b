//! Extensions that are wrong.

use pkix::KeyUsages as Bit;

use super::*;

#[test]
fn a_leaf_is_no_authority_and_an_authority_no_leaf() {
    let leaf = bench("device", Some(0));
    let constraints = |ca, path_len_constraint| pkix::BasicConstraints { ca, path_len_constraint };
    let usage = |bits: &[pkix::KeyUsages]| {
        pkix::KeyUsage(bits.iter().fold(Default::default(), |all, bit| all | *bit))
    };
    let says_authority = "it says that it is an authority, and its profile does not";
    assert_eq!(leaf.with_value(true, &constraints(true, None)), says_authority);
    assert_eq!(leaf.with_value(true, &constraints(false, Some(0))), says_authority);
    assert_eq!(
        leaf.with_value(false, &constraints(false, None)),
        "extension `basicConstraints` must be critical"
    );
    assert_eq!(leaf.with(pkix::BasicConstraints::OID, None), "extension `basicConstraints` is missing");
    assert_eq!(leaf.with(pkix::KeyUsage::OID, None), "extension `keyUsage` is missing");
    assert_eq!(
        leaf.with_value(false, &usage(&[Bit::DigitalSignature])),
        "extension `keyUsage` must be critical"
    );
    assert_eq!(leaf.with_value(true, &usage(&[])), "key usage is empty");
    for (bit, wanted) in [
        (Bit::KeyCertSign, "key usage `keyCertSign` is for authorities only"),
        (Bit::CRLSign, "key usage `cRLSign` is for authorities only"),
        (Bit::KeyEncipherment, "key usage `keyEncipherment` is impossible with its kind of key"),
    ] {
        assert_eq!(leaf.with_value(true, &usage(&[Bit::DigitalSignature, bit])), wanted);
    }
    let authority = bench("sub-ca", Some(1));
    assert_eq!(
        authority.with_value(true, &constraints(false, None)),
        "it says that it is no authority, and its profile says that it is"
    );
    for path_length in [None, Some(1), Some(7)] {
        assert_eq!(
            authority.with_value(true, &constraints(true, path_length)),
            "it leaves more room below it than its authority has"
        );
    }
    assert_eq!(
        authority.with_value(true, &usage(&[Bit::CRLSign])),
        "key usage `keyCertSign` is missing, which authorities need"
    );
}

#[test]
fn purposes_fit_the_key_usage_and_the_authority() {
    let bench = bench("device", Some(0));
    let purposes = |oids: &[&str]| {
        let oids = oids.iter().map(|oid| ObjectIdentifier::new_unwrap(oid)).collect();
        bench.with_value(false, &pkix::ExtendedKeyUsage(oids))
    };
    assert_eq!(purposes(&["1.3.6.1.5.5.7.3.2"]), "nothing");
    assert_eq!(purposes(&[]), "there is an empty list in extension `extKeyUsage`");
    for never in ["2.5.29.37.0", "1.3.6.1.5.5.7.3.9", "1.3.6.1.5.5.7.3.8"] {
        assert_eq!(purposes(&[never]), format!("purpose `{never}` is never given"));
    }
    assert_eq!(
        purposes(&["1.3.6.1.5.5.7.3.3"]),
        "purpose `1.3.6.1.5.5.7.3.3` is not one that its authority may give"
    );
    let agrees = pkix::KeyUsage(pkix::KeyUsages::NonRepudiation.into());
    assert_eq!(bench.with_value(true, &agrees), "purpose `1.3.6.1.5.5.7.3.2` needs another key usage");
}

#[test]
fn extensions_stand_once_and_only_known_ones_are_critical() {
    let bench = bench("device", Some(0));
    assert_eq!(
        bench.with(pkix::SubjectKeyIdentifier::OID, None),
        "extension `subjectKeyIdentifier` is missing"
    );
    assert_eq!(
        bench.with(pkix::AuthorityKeyIdentifier::OID, None),
        "extension `authorityKeyIdentifier` is missing"
    );
    let key_identifier = OctetString::new([7; 20]).unwrap();
    assert_eq!(
        bench.with_value(false, &pkix::SubjectKeyIdentifier(key_identifier.clone())),
        "its key identifier is not that of its key"
    );
    let above = pkix::AuthorityKeyIdentifier { key_identifier: Some(key_identifier), ..Default::default() };
    assert_eq!(bench.with_value(false, &above), "its authority key identifier is not that of its authority");
    assert_eq!(
        bench.with(pkix::KeyUsage::OID, Some((true, vec![5, 0]))),
        "extension `keyUsage` cannot be read"
    );
    let own = ObjectIdentifier::new_unwrap("1.2.3.4");
    assert_eq!(bench.with(own, Some((true, vec![5, 0]))), "extension `1.2.3.4` must not be critical");
    assert_eq!(bench.with(own, Some((false, vec![5, 0]))), "nothing");
    let twice = bench.finding(|tbs| {
        let extensions = tbs.extensions.as_mut().unwrap();
        extensions.push(extensions[0].clone());
    });
    assert_eq!(twice, "extension `2.5.29.19` stands twice");
    let policy = pkix::certpolicy::PolicyInformation { policy_identifier: own, policy_qualifiers: None };
    assert_eq!(
        bench.with_value(false, &pkix::CertificatePolicies(vec![policy.clone(), policy])),
        "policy `1.2.3.4` stands twice"
    );
    assert_eq!(
        bench.with_value(false, &pkix::CrlDistributionPoints(vec![])),
        "there is an empty list in extension `cRLDistributionPoints`"
    );
    assert!(bench.with(own, Some((false, vec![0; 16 * 1024]))).ends_with(" bytes, more than readers take"));
}
