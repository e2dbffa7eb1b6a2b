//! Names that are none.

use pkix::name::GeneralName as N;

use super::*;

#[test]
fn names_are_names() {
    let bench = bench("device", Some(0));
    let ia5 = |text: &str| Ia5String::new(text).unwrap();
    for (host, why) in [
        ("a.example", None),
        ("*.a.example", None),
        ("xn--pmp-hoa.example", None),
        ("pump-1", Some("is a bare name: write its domain, too")),
        ("*.example", Some("is a bare name: write its domain, too")),
        ("*", Some("is no host name: use letters, digits and hyphens between dots")),
        ("a.*.example", Some("is no host name: use letters, digits and hyphens between dots")),
        ("a_b.example", Some("is no host name: use letters, digits and hyphens between dots")),
        ("a.example.", Some("is no host name: use letters, digits and hyphens between dots")),
        ("10.0.0.1", Some("ends in a number, as an address does")),
        ("", Some("is no host name: use letters, digits and hyphens between dots")),
    ] {
        let wanted = why.map_or("nothing".to_owned(), |why| format!("alternative name `{host}` {why}"));
        assert_eq!(bench.with_name(N::DnsName(ia5(host))), wanted);
    }
    let long = format!("{}.example", ["a"; 126].join("."));
    assert!(bench.with_name(N::DnsName(ia5(&long))).ends_with("is longer than a host name may be"));
    for (uri, good) in [
        ("urn:x:y", true),
        ("https://a.example/b", true),
        ("a.example", false),
        ("1a:b", false),
        ("x:", false),
        ("http://a b", false),
    ] {
        assert_eq!(bench.with_name(N::UniformResourceIdentifier(ia5(uri))) == "nothing", good, "{uri}");
    }
    for (mailbox, good) in [
        ("a@b.example", true),
        ("b.example", false),
        ("@b.example", false),
        ("a@b", false),
        ("a@b@c.example", false),
    ] {
        assert_eq!(bench.with_name(N::Rfc822Name(ia5(mailbox))) == "nothing", good, "{mailbox}");
    }
    assert!(bench.with_name(N::IpAddress(OctetString::new([1; 5]).unwrap())).contains("is no IP address"));
    assert_eq!(
        bench.with_value(true, &pkix::SubjectAltName(vec![N::DnsName(ia5("a.example"))])),
        "extension `subjectAltName` must not be critical"
    );
    assert_eq!(
        bench.with_value(false, &pkix::SubjectAltName(vec![])),
        "there is an empty list in extension `subjectAltName`"
    );
    let place = |url: &str| {
        pkix::CrlDistributionPoints(vec![pkix::crl::dp::DistributionPoint {
            distribution_point: Some(pkix::name::DistributionPointName::FullName(vec![
                N::UniformResourceIdentifier(ia5(url)),
            ])),
            reasons: None,
            crl_issuer: None,
        }])
    };
    assert!(bench.with_value(false, &place("https://a.example/1.crl")).ends_with("is no http URL"));
    assert_eq!(bench.with_value(false, &place("http://a.example/1.crl")), "nothing");
}
