//! Extensions of a certificate, in their order (pki profile; RFC 5280 section 4.2). Pure.

use x509_cert::{
    der::{
        Decode, Encode,
        asn1::{ObjectIdentifier, OctetString},
        oid::{
            AssociatedOid,
            db::rfc5912::{ID_AD_CA_ISSUERS, ID_AD_OCSP},
        },
    },
    ext::pkix::{
        AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies,
        CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, SubjectAltName, SubjectKeyIdentifier,
        certpolicy::PolicyInformation,
    },
    spki::SubjectPublicKeyInfoRef,
};

use muster_x509::PublicKey;

use super::{GENERATION, HOLDER, Issuer, Kind, Profile, default_holder};
use crate::{
    BaseUrl,
    hierarchy::{AuthorityId, BuildError, key_identifier::key_identifier},
    issuance::Holder,
    tlv::{self, Mark},
};

/// Ten of them in a certificate of a device: so much is set aside.
const USUAL_BYTES: usize = 512;
/// GeneralName, uniformResourceIdentifier.
const URI: u8 = tlv::context_primitive(6);

/// What differs between two certificates of a profile and an authority.
pub(super) struct Particulars<'a> {
    pub(super) serial: &'a [u8; 16],
    pub(super) key: PublicKey,
    pub(super) spki_der: &'a [u8],
    /// An empty subject leaves the names to tell who it is, so they are critical (RFC 5280 section 4.2.1.6).
    pub(super) subject_is_empty: bool,
    /// SubjectAltName, DER.
    pub(super) names_der: Option<&'a [u8]>,
    pub(super) holder: Option<&'a Holder>,
    pub(super) common_name: Option<&'a str>,
}

/// One after the other, DER.
pub(super) fn extensions(
    profile: &Profile,
    issuer: &Issuer,
    particulars: &Particulars<'_>,
) -> Result<Vec<u8>, BuildError> {
    let (ca, path_len_constraint) = match profile.kind {
        Kind::EndEntity => (false, None),
        Kind::Authority { path_length } => (true, Some(path_length)),
    };
    let usage = match particulars.key {
        PublicKey::Rsa { .. } => profile.usage.key | profile.usage.key_rsa,
        PublicKey::P256 | PublicKey::P384 | PublicKey::P521 | PublicKey::Ed25519 => profile.usage.key,
    };
    let key = SubjectPublicKeyInfoRef::try_from(particulars.spki_der).map_err(encoding)?;
    let mut der = Vec::with_capacity(USUAL_BYTES);
    let mut push = |oid, mark, value: &[u8]| der.extend_from_slice(&extension(oid, mark, value));
    // Critical also in a leaf: that it is no authority is not for a reader to overlook.
    let constraints = BasicConstraints { ca, path_len_constraint };
    push(BasicConstraints::OID, Mark::Critical, &constraints.to_der()?);
    push(KeyUsage::OID, Mark::Critical, &KeyUsage(usage).to_der()?);
    if !profile.usage.extended.is_empty() {
        push(ExtendedKeyUsage::OID, Mark::Plain, &profile.usage.extended.to_der()?);
    }
    push(SubjectKeyIdentifier::OID, Mark::Plain, &key_identifier(&key)?.to_der()?);
    push(AuthorityKeyIdentifier::OID, Mark::Plain, &issuer.own_key);
    if let Some(names_der) = particulars.names_der {
        let mark = if particulars.subject_is_empty { Mark::Critical } else { Mark::Plain };
        push(SubjectAltName::OID, mark, names_der);
    }
    let policy = PolicyInformation { policy_identifier: profile.policy, policy_qualifiers: None };
    push(CertificatePolicies::OID, Mark::Plain, &vec![policy].to_der()?);
    if let Some(base) = &issuer.base_url {
        let authority = &issuer.authority;
        let crl = base.crl(&authority.id, authority.shard_of(particulars.serial));
        push(CrlDistributionPoints::OID, Mark::Plain, &crl_point(&crl));
        push(AuthorityInfoAccessSyntax::OID, Mark::Plain, &issuer.information_access);
    }
    if let Some(Holder { name, generation }) = particulars.holder {
        push(GENERATION, Mark::Plain, &utf8(generation));
        if particulars.common_name.map(default_holder).as_ref() != Some(name) {
            push(HOLDER, Mark::Plain, &utf8(name));
        }
    }
    for fixed in &profile.extensions {
        push(fixed.oid, Mark::Plain, &fixed.value_der);
    }
    Ok(der)
}

/// The value of an extension of a certificate, DER: for comparing and copying as it stands.
pub(crate) fn value_of(
    certificate: &muster_x509::Certificate,
    oid: ObjectIdentifier,
) -> Result<Option<Vec<u8>>, BuildError> {
    let parsed = x509_cert::Certificate::from_der(certificate.der())?;
    let extensions = parsed.tbs_certificate().extensions().map(Vec::as_slice).unwrap_or_default();
    let found = extensions.iter().find(|extension| extension.extn_id == oid);
    Ok(found.map(|extension| extension.extn_value.as_bytes().to_vec()))
}

/// Value of AuthorityKeyIdentifier in what the owner of the key signs, DER.
pub(super) fn authority_key(key_identifier: &OctetString) -> Vec<u8> {
    const KEY_IDENTIFIER: u8 = tlv::context_primitive(0);
    tlv::element(tlv::SEQUENCE, &[&tlv::element(KEY_IDENTIFIER, &[key_identifier.as_bytes()])])
}

/// Value of AuthorityInfoAccess, DER.
pub(super) fn information_access(base: &BaseUrl, authority: &AuthorityId) -> Vec<u8> {
    let access = |method: ObjectIdentifier, url: &str| {
        let method = tlv::element(tlv::OBJECT_IDENTIFIER, &[method.as_bytes()]);
        tlv::element(tlv::SEQUENCE, &[&method, &tlv::element(URI, &[url.as_bytes()])])
    };
    let (ocsp, issuer) =
        (access(ID_AD_OCSP, &base.ocsp()), access(ID_AD_CA_ISSUERS, &base.issuer(authority)));
    tlv::element(tlv::SEQUENCE, &[&ocsp, &issuer])
}

/// Value of CRLDistributionPoints, DER.
fn crl_point(url: &str) -> Vec<u8> {
    const DISTRIBUTION_POINT: u8 = tlv::context(0);
    const FULL_NAME: u8 = tlv::context(0);
    let full_name = tlv::element(FULL_NAME, &[&tlv::element(URI, &[url.as_bytes()])]);
    let point = tlv::element(DISTRIBUTION_POINT, &[&full_name]);
    tlv::element(tlv::SEQUENCE, &[&tlv::element(tlv::SEQUENCE, &[&point])])
}

fn extension(oid: ObjectIdentifier, mark: Mark, value: &[u8]) -> Vec<u8> {
    tlv::extension(oid.as_bytes(), mark, value)
}

fn utf8(text: &str) -> Vec<u8> {
    tlv::element(tlv::UTF8_STRING, &[text.as_bytes()])
}

fn encoding(error: impl std::fmt::Display) -> BuildError {
    BuildError::Build(error.to_string())
}
