//! Certificates that break a rule, each found by it: what is to be signed is built right, then made wrong.

mod extensions;
mod fields;
mod names;

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
    Authority, AuthorityId, BaseUrl, Holder, State, SubjectFacts,
    profile::{GENERATION, Identity, Wanted, prepare},
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
    let holder = Holder { name: "gateway.example".to_owned(), generation: "g1".to_owned() };
    let wanted =
        Wanted { csr: &csr, identity: Identity::Asked(&asked), holder: Some(&holder), not_after: None };
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
fn what_is_written_piece_by_piece_is_what_the_library_writes() {
    fn again<'d, T: Decode<'d, Error = x509_cert::der::Error> + Encode>(der: &'d [u8]) {
        assert_eq!(hex::encode(T::from_der(der).unwrap().to_der().unwrap()), hex::encode(der));
    }
    for (profile, path_length) in [("device", Some(0)), ("tls-server", Some(0)), ("sub-ca", Some(1))] {
        let tbs = bench(profile, path_length).tbs;
        again::<x509_cert::certificate::TbsCertificate>(&tbs.to_der().unwrap());
        for extension in tbs.extensions.unwrap() {
            let der = extension.extn_value.as_bytes();
            match extension.extn_id {
                pkix::AuthorityKeyIdentifier::OID => again::<pkix::AuthorityKeyIdentifier>(der),
                pkix::AuthorityInfoAccessSyntax::OID => again::<pkix::AuthorityInfoAccessSyntax>(der),
                pkix::CertificatePolicies::OID => again::<pkix::CertificatePolicies>(der),
                pkix::CrlDistributionPoints::OID => again::<pkix::CrlDistributionPoints>(der),
                pkix::ExtendedKeyUsage::OID => again::<pkix::ExtendedKeyUsage>(der),
                pkix::SubjectKeyIdentifier::OID => again::<pkix::SubjectKeyIdentifier>(der),
                GENERATION => again::<String>(der),
                _ => {}
            }
        }
    }
}

#[test]
fn what_cannot_be_read_again_is_not_signed() {
    let bench = bench("device", Some(0));
    let mut der = bench.tbs.to_der().unwrap();
    der.pop();
    assert!(matches!(check(&der, &bench.profile, &bench.csr, &bench.issuer), Err(Finding::Unreadable(_))));
}
