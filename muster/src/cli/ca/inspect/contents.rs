//! What stands in a certificate, in words.

use std::net::IpAddr;

use serde::Serialize;
use x509_cert::der::{Decode, asn1::Utf8StringRef, oid::AssociatedOid};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::certpolicy::CertificatePolicies;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints,
    ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};

use muster_ca::{GENERATION, HOLDER};
use muster_x509::{Certificate, PublicKey};

const OCSP: &str = "1.3.6.1.5.5.7.48.1";

/// What is met in devices' and servers' certificates; others by number.
const PURPOSES: [(&str, &str); 6] = [
    ("1.3.6.1.5.5.7.3.1", "serverAuth"),
    ("1.3.6.1.5.5.7.3.2", "clientAuth"),
    ("1.3.6.1.5.5.7.3.3", "codeSigning"),
    ("1.3.6.1.5.5.7.3.4", "emailProtection"),
    ("1.3.6.1.5.5.7.3.8", "timeStamping"),
    ("1.3.6.1.5.5.7.3.9", "OCSPSigning"),
];

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Contents {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) serial: String,
    pub(super) not_before: String,
    pub(super) not_after: String,
    pub(super) sha256: String,
    pub(super) key: String,
    /// Alternative names, each with its kind.
    pub(super) names: Vec<String>,
    pub(super) usages: Vec<String>,
    pub(super) purposes: Vec<String>,
    pub(super) policies: Vec<String>,
    /// That it is one, and how many may be below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) authority: Option<String>,
    pub(super) crls: Vec<String>,
    pub(super) responders: Vec<String>,
    /// What this authority adds, in words; others by number.
    pub(super) more: Vec<String>,
}

impl Contents {
    /// What cannot be read is left out: this shows, and judges nothing.
    pub(super) fn read(certificate: &Certificate) -> Self {
        let mut contents = Self {
            subject: certificate.subject().to_owned(),
            issuer: certificate.issuer().to_owned(),
            serial: hex::encode(certificate.serial()),
            not_before: certificate.not_before().to_string(),
            not_after: certificate.not_after().to_string(),
            sha256: certificate.sha256().to_string(),
            key: key(certificate.spki_der()),
            ..Self::default()
        };
        if let Ok(detail) = x509_cert::Certificate::from_der(certificate.der()) {
            for extension in detail.tbs_certificate().extensions().into_iter().flatten() {
                contents.take(extension);
            }
        }
        contents
    }

    fn take(&mut self, extension: &Extension) {
        if let Some(names) = read::<SubjectAltName>(extension) {
            self.names = names.0.iter().map(name).collect();
        } else if let Some(usage) = read::<KeyUsage>(extension) {
            self.usages = usage.0.into_iter().map(|it| self::usage(it).to_owned()).collect();
        } else if let Some(purposes) = read::<ExtendedKeyUsage>(extension) {
            self.purposes = purposes.0.iter().map(|oid| purpose(&oid.to_string())).collect();
        } else if let Some(policies) = read::<CertificatePolicies>(extension) {
            self.policies = policies.0.iter().map(|it| it.policy_identifier.to_string()).collect();
        } else if let Some(constraints) = read::<BasicConstraints>(extension) {
            self.authority = constraints.ca.then(|| match constraints.path_len_constraint {
                Some(length) => format!("yes, {length} below it at most"),
                None => "yes".to_owned(),
            });
        } else if let Some(points) = read::<CrlDistributionPoints>(extension) {
            let places = points.0.iter().filter_map(|point| match &point.distribution_point {
                Some(DistributionPointName::FullName(names)) => Some(names),
                Some(DistributionPointName::NameRelativeToCRLIssuer(_)) | None => None,
            });
            self.crls = places.flatten().filter_map(uri).collect();
        } else if let Some(access) = read::<AuthorityInfoAccessSyntax>(extension) {
            let responders = access.0.iter().filter(|it| it.access_method.to_string() == OCSP);
            self.responders = responders.filter_map(|it| uri(&it.access_location)).collect();
        } else if extension.extn_id == HOLDER {
            self.more.push(format!("holder {}", text(extension)));
        } else if extension.extn_id == GENERATION {
            self.more.push(format!("generation {} of its holder", text(extension)));
        } else if ![SubjectKeyIdentifier::OID, AuthorityKeyIdentifier::OID].contains(&extension.extn_id) {
            let critical = if extension.critical { " (critical)" } else { "" };
            self.more.push(format!("{}{critical}", extension.extn_id));
        }
    }
}

fn read<'a, T: Decode<'a> + AssociatedOid>(extension: &'a Extension) -> Option<T> {
    let found = extension.extn_id == T::OID;
    found.then(|| T::from_der(extension.extn_value.as_bytes()).ok()).flatten()
}

fn text(extension: &Extension) -> String {
    let text = Utf8StringRef::from_der(extension.extn_value.as_bytes());
    text.map(|text| text.as_str().chars().filter(|char| !char.is_control()).collect()).unwrap_or_default()
}

fn key(spki_der: &[u8]) -> String {
    match PublicKey::judge(spki_der) {
        Ok(PublicKey::P256) => "P-256".to_owned(),
        Ok(PublicKey::P384) => "P-384".to_owned(),
        Ok(PublicKey::P521) => "P-521".to_owned(),
        Ok(PublicKey::Ed25519) => "Ed25519".to_owned(),
        Ok(PublicKey::Rsa { bits }) => format!("RSA, {bits} bits"),
        Err(error) => error.to_string(),
    }
}

fn name(name: &GeneralName) -> String {
    match name {
        GeneralName::DnsName(name) => format!("DNS:{name}"),
        GeneralName::UniformResourceIdentifier(uri) => format!("URI:{uri}"),
        GeneralName::Rfc822Name(address) => format!("email:{address}"),
        GeneralName::IpAddress(octets) => match octets.as_bytes() {
            bytes if bytes.len() == 4 => address(<[u8; 4]>::try_from(bytes).map(IpAddr::from).ok()),
            bytes => address(<[u8; 16]>::try_from(bytes).map(IpAddr::from).ok()),
        },
        GeneralName::DirectoryName(name) => format!("directory:{name}"),
        GeneralName::RegisteredId(oid) => format!("id:{oid}"),
        GeneralName::OtherName(other) => format!("other:{}", other.type_id),
        GeneralName::EdiPartyName(_) => "EDI party".to_owned(),
    }
}

fn address(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "IP:?".to_owned(), |address| format!("IP:{address}"))
}

fn uri(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.to_string()),
        _ => None,
    }
}

fn usage(usage: KeyUsages) -> &'static str {
    match usage {
        KeyUsages::DigitalSignature => "digitalSignature",
        KeyUsages::NonRepudiation => "nonRepudiation",
        KeyUsages::KeyEncipherment => "keyEncipherment",
        KeyUsages::DataEncipherment => "dataEncipherment",
        KeyUsages::KeyAgreement => "keyAgreement",
        KeyUsages::KeyCertSign => "keyCertSign",
        KeyUsages::CRLSign => "cRLSign",
        KeyUsages::EncipherOnly => "encipherOnly",
        KeyUsages::DecipherOnly => "decipherOnly",
    }
}

fn purpose(oid: &str) -> String {
    PURPOSES.iter().find(|(known, _)| *known == oid).map_or(oid, |(_, name)| name).to_owned()
}
