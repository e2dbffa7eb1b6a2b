//! Certificates made for tests: authorities and leaves, sound unless a test bends them.

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SigningKey, date_time_ymd,
};

use crate::Certificate;

/// Version 1, self-signed, until 2081, as `openssl x509 -req -signkey` made it for years.
pub(crate) const VERSION_1: &str = "-----BEGIN CERTIFICATE-----
MIIBhTCCASoCCQCPABEiM0RVZjAKBggqhkjOPQQDAjBJMQswCQYDVQQGEwJERTEV
MBMGA1UECgwMRmFicmlrLCBHbWJIMQ8wDQYDVQQLDAZMaW5lIDMxEjAQBgNVBAMM
CXNlbnNvci12MTAgFw0yNjExMjAyMjIyMzlaGA8yMDgxMDgyMzIyMjIzOVowSTEL
MAkGA1UEBhMCREUxFTATBgNVBAoMDEZhYnJpaywgR21iSDEPMA0GA1UECwwGTGlu
ZSAzMRIwEAYDVQQDDAlzZW5zb3ItdjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AASwdMLE3UpH627pqoDN8NxMC9FQhgmJdwWbCmjXCRYzE6gU2UjfSyxtPATt2OGZ
KrUSqUjBm/mwZ50nJkmO0gscMAoGCCqGSM49BAMCA0kAMEYCIQClbfLrZkOhESUM
PwE1lBRT8q8ncBA/VN6jfaEmboqvcwIhAO3DkV5iSyEsIHULlNNCBTtofRC776DD
ieCs1YGOsWXp
-----END CERTIFICATE-----
";

/// An instant at which everything made here is valid.
pub(crate) fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// An authority, or anything else with a key that can sign.
pub(crate) struct Made {
    pub(crate) certificate: Certificate,
    params: CertificateParams,
    key: KeyPair,
}

/// Changes what would otherwise be sound.
pub(crate) type Bend = fn(&mut CertificateParams);

pub(crate) const AS_IT_IS: Bend = |_| {};

pub(crate) fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

pub(crate) fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

pub(crate) fn leaf_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

pub(crate) fn root(name: &str) -> Made {
    bent_root(name, AS_IT_IS)
}

pub(crate) fn bent_root(name: &str, bend: Bend) -> Made {
    let mut params = authority_params(name);
    bend(&mut params);
    self_signed(params, KeyPair::generate().unwrap())
}

pub(crate) fn self_signed(params: CertificateParams, key: KeyPair) -> Made {
    let certificate = Certificate::parse(params.self_signed(&key).unwrap().der()).unwrap();
    Made { certificate, params, key }
}

/// An extension by its OID, with an INTEGER as contents, which is wrong for every extension that is known.
pub(crate) fn odd_extension(oid: &[u64], critical: bool) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(oid, vec![2, 1, 0]);
    extension.set_criticality(critical);
    extension
}

impl Made {
    pub(crate) fn authority(&self, name: &str) -> Made {
        self.bent_authority(name, AS_IT_IS)
    }

    pub(crate) fn bent_authority(&self, name: &str, bend: Bend) -> Made {
        let mut params = authority_params(name);
        bend(&mut params);
        self.issue(params, KeyPair::generate().unwrap())
    }

    pub(crate) fn leaf(&self, name: &str) -> Certificate {
        self.bent_leaf(name, AS_IT_IS)
    }

    pub(crate) fn bent_leaf(&self, name: &str, bend: Bend) -> Certificate {
        let mut params = leaf_params(name);
        bend(&mut params);
        self.issue(params, KeyPair::generate().unwrap()).certificate
    }

    pub(crate) fn issue(&self, params: CertificateParams, key: KeyPair) -> Made {
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = Certificate::parse(params.signed_by(&key, &issuer).unwrap().der()).unwrap();
        Made { certificate, params, key }
    }

    pub(crate) fn params(&self) -> &CertificateParams {
        &self.params
    }

    pub(crate) fn key(&self) -> &KeyPair {
        &self.key
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message).unwrap()
    }

    pub(crate) fn key_again(&self) -> KeyPair {
        KeyPair::try_from(self.key.serialized_der()).unwrap()
    }

    /// This certificate's contents once more, self-signed by another key.
    pub(crate) fn renewed_with(&self, key: KeyPair) -> Certificate {
        self_signed(self.params.clone(), key).certificate
    }

    /// The same name and key once more, under another authority.
    pub(crate) fn crossed_by(&self, other: &Made) -> Certificate {
        let issuer = Issuer::from_params(&other.params, &other.key);
        Certificate::parse(self.params.signed_by(&self.key, &issuer).unwrap().der()).unwrap()
    }
}

/// One element of DER.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let length = contents.len();
    let mut der = vec![tag];
    match length {
        0..=0x7f => der.push(length as u8),
        0x80..=0xff => der.extend([0x81, length as u8]),
        0x100..=0xffff => der.extend([&[0x82], &(length as u16).to_be_bytes()[..]].concat()),
        _ => der.extend([&[0x83], &(length as u32).to_be_bytes()[1..]].concat()),
    }
    der.extend(contents);
    der
}

/// A positive INTEGER by its octets, which may have their highest bit set.
pub(crate) fn integer(octets: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if octets[0] >= 0x80 { &[0] } else { &[] };
    element(2, &[sign, octets])
}
