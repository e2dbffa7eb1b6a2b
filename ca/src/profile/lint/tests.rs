//! Certificates that break a rule, each found by it: what is to be signed is built right, then made wrong.

use std::sync::Arc;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use x509_cert::{
    attr::AttributeTypeAndValue,
    certificate::Version,
    der::{
        Any, Decode, Encode, Sequence,
        asn1::{Ia5String, ObjectIdentifier, OctetString, SetOfVec, Utf8StringRef},
        oid::AssociatedOid,
    },
    ext::{Extension, pkix},
    name::{RdnSequence, RelativeDistinguishedName},
    serial_number::SerialNumber,
    time::Validity,
};

use muster_x509::{Certificate, Csr};

use super::*;
use crate::{
    Authority, AuthorityId, BaseUrl, State, SubjectFacts,
    profile::{Identity, Wanted, prepare},
};

/// A certificate in the making, every field of which can be changed.
#[derive(Debug, Clone, Sequence)]
struct Tbs {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", default = "Default::default")]
    version: Version,
    serial: SerialNumber,
    signature: Any,
    issuer: Any,
    validity: Validity,
    subject: Any,
    key: Any,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

struct Bench {
    profile: Profile,
    csr: Csr,
    issuer: Issuer,
    tbs: Tbs,
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn issuer(path_length: Option<u8>) -> Issuer {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Issuing");
    params.is_ca =
        IsCa::Ca(path_length.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2028, 1, 1);
    let certificate = Certificate::parse(params.self_signed(&key).unwrap().der()).unwrap();
    let authority = Authority {
        id: AuthorityId::issuing(),
        parent: None,
        state: State::Active,
        certificate: Some(certificate),
        key: None,
        generation: 1,
        crl_shards: 4,
        path_len: path_length,
        renewal: crate::Renewal::ByHand,
        request: None,
        created: now(),
    };
    const ECDSA_WITH_SHA256: &str = "300a06082a8648ce3d040302";
    let base_url = BaseUrl::parse("http://pki.example").unwrap();
    let algorithm = hex::decode(ECDSA_WITH_SHA256).unwrap();
    Issuer::new(&Arc::new(authority), algorithm, Some(&base_url)).unwrap().unwrap()
}

fn bench(profile: &str, path_length: Option<u8>) -> Bench {
    let profile = Profile::built_in().unwrap().into_iter().find(|it| it.id.name == profile).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let csr = Csr::parse(params.serialize_request(&key).unwrap().der()).unwrap();
    let issuer = issuer(path_length);
    let facts = SubjectFacts {
        common_name: Some("gateway.example".to_owned()),
        dns_names: vec!["gateway.example".to_owned()],
        ..SubjectFacts::default()
    };
    let asked = profile.ask(&csr, &facts, "test").unwrap();
    let wanted =
        Wanted { csr: &csr, identity: Identity::Asked(&asked), generation: Some("g1"), not_after: None };
    let prepared = prepare(&profile, &wanted, &issuer, [0x55; 16], now()).unwrap();
    let tbs = Tbs::from_der(prepared.tbs()).unwrap();
    Bench { profile, csr, issuer, tbs }
}

impl Bench {
    fn finding(&self, change: impl FnOnce(&mut Tbs)) -> String {
        let mut tbs = self.tbs.clone();
        change(&mut tbs);
        let found = check(&tbs.to_der().unwrap(), &self.profile, &self.csr, &self.issuer);
        found.map_or_else(|finding| finding.to_string(), |()| "nothing".to_owned())
    }

    /// With another value for that extension, or without it.
    fn with(&self, oid: ObjectIdentifier, value: Option<(bool, Vec<u8>)>) -> String {
        self.finding(|tbs| {
            let extensions = tbs.extensions.as_mut().unwrap();
            extensions.retain(|extension| extension.extn_id != oid);
            extensions.extend(value.map(|(critical, der)| extension(oid, critical, &der)));
        })
    }

    fn with_value<T: AssociatedOid + Encode>(&self, critical: bool, value: &T) -> String {
        self.with(T::OID, Some((critical, value.to_der().unwrap())))
    }

    fn with_name(&self, name: pkix::name::GeneralName) -> String {
        self.with_value(false, &pkix::SubjectAltName(vec![name]))
    }
}

fn extension(oid: ObjectIdentifier, critical: bool, der: &[u8]) -> Extension {
    Extension { extn_id: oid, critical, extn_value: OctetString::new(der).unwrap() }
}

fn name(attributes: &[(&str, &str)]) -> Any {
    let rdn = |(oid, value): &(&str, &str)| {
        let value = Any::encode_from(&Utf8StringRef::new(value).unwrap()).unwrap();
        let attribute = AttributeTypeAndValue { oid: ObjectIdentifier::new_unwrap(oid), value };
        RelativeDistinguishedName::from(SetOfVec::try_from(vec![attribute]).unwrap())
    };
    let sequence: Vec<_> = attributes.iter().map(rdn).collect();
    Any::from_der(&RdnSequence::from(sequence).to_der().unwrap()).unwrap()
}

fn validity(begin: &str, end: &str) -> Validity {
    let time = |text: &str| {
        let at: Timestamp = text.parse().unwrap();
        let since = std::time::Duration::from_secs(at.as_second() as u64);
        x509_cert::time::Time::from(x509_cert::der::DateTime::from_unix_duration(since).unwrap())
    };
    Validity::new(time(begin), time(end))
}

#[test]
fn what_the_profiles_make_breaks_no_rule() {
    for (profile, path_length) in
        [("device", Some(0)), ("edge-server", None), ("tls-server", Some(0)), ("sub-ca", Some(1))]
    {
        assert_eq!(bench(profile, path_length).finding(|_| {}), "nothing");
    }
}

#[test]
fn fields_are_looked_through() {
    let bench = bench("device", Some(0));
    let serial = |octets: &[u8]| {
        let octets = octets.to_vec();
        bench.finding(move |tbs| tbs.serial = SerialNumber::new(&octets).unwrap())
    };
    assert_eq!(serial(&[1; 7]), "its serial number is not positive, or not 8 to 20 octets long");
    assert_eq!(serial(&[1; 8]), "nothing");
    assert_eq!(serial(&[0x7f; 20]), "nothing");
    // As an INTEGER it has a zero before it, so that it is positive: 17 octets.
    assert_eq!(serial(&[0xff; 16]), "its serial number is not positive, or not 8 to 20 octets long");
    assert_eq!(bench.finding(|tbs| tbs.version = Version::V1), "it is not of version 3");
    let other = Any::from_der(&hex::decode("300a06082a8648ce3d040303").unwrap()).unwrap();
    assert_eq!(
        bench.finding(|tbs| tbs.signature = other),
        "its signature algorithm is not that of its authority's key"
    );
    assert_eq!(
        bench.finding(|tbs| tbs.issuer = name(&[("2.5.4.3", "Other")])),
        "its issuer is not the subject of its authority's certificate"
    );
    let issuer = bench.tbs.issuer.clone();
    assert_eq!(bench.finding(|tbs| tbs.subject = issuer), "its subject is that of its authority");
    assert_eq!(
        bench.finding(|tbs| tbs.subject = name(&[("2.5.4.3", "a"), ("2.5.4.3", "b")])),
        "subject attribute `2.5.4.3` stands twice"
    );
    assert_eq!(
        bench.finding(|tbs| tbs.subject = name(&[("2.5.4.11", "a"), ("2.5.4.11", "b"), ("2.5.4.3", "c")])),
        "nothing"
    );
    assert_eq!(
        bench.finding(|tbs| tbs.subject = name(&[])),
        "its subject is empty, and it has no critical alternative name"
    );
    let other = self::bench("device", Some(0)).tbs.key;
    assert_eq!(bench.finding(|tbs| tbs.key = other), "its key is not that of the request");
    for (begin, end, wanted) in [
        ("2026-11-20T12:00:00Z", "2026-11-20T11:59:59Z", "its end is before its beginning"),
        (
            "2025-12-31T23:59:59Z",
            "2026-01-03T00:00:00Z",
            "it would be valid when its authority's certificate is not",
        ),
        (
            "2027-12-01T00:00:00Z",
            "2028-01-01T00:00:01Z",
            "it would be valid when its authority's certificate is not",
        ),
        ("2026-11-20T12:00:00Z", "2027-02-18T12:00:00Z", "it would last longer than its profile says"),
        ("2026-11-20T12:00:00Z", "2027-02-18T11:59:59Z", "nothing"),
    ] {
        assert_eq!(bench.finding(|tbs| tbs.validity = validity(begin, end)), wanted);
    }
}

#[test]
fn a_leaf_is_no_authority_and_an_authority_no_leaf() {
    let leaf = bench("device", Some(0));
    let constraints = |ca, path_len_constraint| pkix::BasicConstraints { ca, path_len_constraint };
    let usage = |bits: &[pkix::KeyUsages]| {
        pkix::KeyUsage(bits.iter().fold(Default::default(), |all, bit| all | *bit))
    };
    use pkix::KeyUsages as Bit;
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

#[test]
fn names_are_names() {
    use pkix::name::GeneralName as N;
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

#[test]
fn what_cannot_be_read_again_is_not_signed() {
    let bench = bench("device", Some(0));
    let mut der = bench.tbs.to_der().unwrap();
    der.pop();
    assert!(matches!(check(&der, &bench.profile, &bench.csr, &bench.issuer), Err(Finding::Unreadable(_))));
}
