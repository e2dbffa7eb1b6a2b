//! Extensions of a certificate, in their order (pki profile; RFC 5280 section 4.2). Pure.

use x509_cert::{
    der::{
        Decode, Encode,
        asn1::{Ia5String, ObjectIdentifier, OctetString, Utf8StringRef},
        oid::{
            AssociatedOid,
            db::rfc5912::{ID_AD_CA_ISSUERS, ID_AD_OCSP},
        },
    },
    ext::{
        Extension,
        pkix::{
            AccessDescription, AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints,
            CertificatePolicies, CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, SubjectAltName,
            SubjectKeyIdentifier,
            certpolicy::PolicyInformation,
            crl::dp::DistributionPoint,
            name::{DistributionPointName, GeneralName},
        },
    },
    spki::SubjectPublicKeyInfoRef,
};

use muster_x509::PublicKey;

use super::{GENERATION, HOLDER, Issuer, Kind, Profile, default_holder};
use crate::{
    BaseUrl,
    hierarchy::{BuildError, key_identifier::key_identifier},
    issuance::Holder,
};

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

pub(super) fn extensions(
    profile: &Profile,
    issuer: &Issuer,
    particulars: &Particulars<'_>,
) -> Result<Vec<Extension>, BuildError> {
    let (ca, path_len_constraint) = match profile.kind {
        Kind::EndEntity => (false, None),
        Kind::Authority { path_length } => (true, Some(path_length)),
    };
    let usage = match particulars.key {
        PublicKey::Rsa { .. } => profile.usage.key | profile.usage.key_rsa,
        PublicKey::P256 | PublicKey::P384 | PublicKey::P521 | PublicKey::Ed25519 => profile.usage.key,
    };
    let key = SubjectPublicKeyInfoRef::try_from(particulars.spki_der).map_err(encoding)?;
    let mut extensions = vec![
        // Critical also in a leaf: that it is no authority is not for a reader to overlook.
        extension(Mark::Critical, &BasicConstraints { ca, path_len_constraint })?,
        extension(Mark::Critical, &KeyUsage(usage))?,
    ];
    if !profile.usage.extended.is_empty() {
        extensions.push(extension(Mark::Plain, &ExtendedKeyUsage(profile.usage.extended.clone()))?);
    }
    extensions.push(extension(Mark::Plain, &SubjectKeyIdentifier(key_identifier(&key)?))?);
    let issuer_key = AuthorityKeyIdentifier {
        key_identifier: Some(issuer.key_identifier.clone()),
        ..AuthorityKeyIdentifier::default()
    };
    extensions.push(extension(Mark::Plain, &issuer_key)?);
    if let Some(names_der) = particulars.names_der {
        let mark = if particulars.subject_is_empty { Mark::Critical } else { Mark::Plain };
        extensions.push(of_der(SubjectAltName::OID, mark, names_der)?);
    }
    let policy = PolicyInformation { policy_identifier: profile.policy, policy_qualifiers: None };
    extensions.push(extension(Mark::Plain, &CertificatePolicies(vec![policy]))?);
    if let Some(base) = &issuer.base_url {
        let authority = &issuer.authority;
        let crl = base.crl(&authority.id, authority.shard_of(particulars.serial));
        extensions.push(extension(Mark::Plain, &crl_point(&crl)?)?);
        extensions.push(extension(Mark::Plain, &information_access(base, issuer)?)?);
    }
    if let Some(Holder { name, generation }) = particulars.holder {
        extensions.push(of_der(GENERATION, Mark::Plain, &Utf8StringRef::new(generation)?.to_der()?)?);
        if particulars.common_name.map(default_holder).as_ref() != Some(name) {
            extensions.push(of_der(HOLDER, Mark::Plain, &Utf8StringRef::new(name)?.to_der()?)?);
        }
    }
    for fixed in &profile.extensions {
        extensions.push(of_der(fixed.oid, Mark::Plain, &fixed.value_der)?);
    }
    Ok(extensions)
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Critical,
    Plain,
}

fn extension<T: AssociatedOid + Encode>(mark: Mark, value: &T) -> Result<Extension, BuildError> {
    of_der(T::OID, mark, &value.to_der()?)
}

fn of_der(oid: ObjectIdentifier, mark: Mark, value_der: &[u8]) -> Result<Extension, BuildError> {
    let critical = mark == Mark::Critical;
    Ok(Extension { extn_id: oid, critical, extn_value: OctetString::new(value_der)? })
}

fn crl_point(url: &str) -> Result<CrlDistributionPoints, BuildError> {
    let place = GeneralName::UniformResourceIdentifier(Ia5String::new(url)?);
    let distribution_point = Some(DistributionPointName::FullName(vec![place]));
    Ok(CrlDistributionPoints(vec![DistributionPoint { distribution_point, reasons: None, crl_issuer: None }]))
}

fn information_access(base: &BaseUrl, issuer: &Issuer) -> Result<AuthorityInfoAccessSyntax, BuildError> {
    let access = |access_method, url: &str| {
        let access_location = GeneralName::UniformResourceIdentifier(Ia5String::new(url)?);
        Ok::<_, BuildError>(AccessDescription { access_method, access_location })
    };
    Ok(AuthorityInfoAccessSyntax(vec![
        access(ID_AD_OCSP, &base.ocsp())?,
        access(ID_AD_CA_ISSUERS, &base.issuer(&issuer.authority.id))?,
    ]))
}

fn encoding(error: impl std::fmt::Display) -> BuildError {
    BuildError::Build(error.to_string())
}
