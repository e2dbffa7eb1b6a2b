//! Extensions of a certificate (RFC 5280 section 4.2). Pure.

use x509_cert::{
    der::{
        asn1::ObjectIdentifier,
        oid::{AssociatedOid, db::rfc5280 as oid},
    },
    ext::pkix::{
        AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, ExtendedKeyUsage, KeyUsage, KeyUsages,
        NameConstraints, PolicyConstraints, SubjectAltName, SubjectKeyIdentifier,
    },
    spki::SubjectPublicKeyInfoRef,
};

use muster_x509::{Csr, PublicKey};

use super::{Finding, Tbs};
use crate::{
    hierarchy::key_identifier::key_identifier,
    profile::{Issuer, Kind, Profile},
};

/// A purpose that is all purposes, and those whose holder others believe about certificates and times.
const NEVER: [ObjectIdentifier; 3] =
    [oid::ANY_EXTENDED_KEY_USAGE, oid::ID_KP_OCSP_SIGNING, oid::ID_KP_TIME_STAMPING];
const MAY_BE_CRITICAL: [ObjectIdentifier; 5] =
    [BasicConstraints::OID, KeyUsage::OID, SubjectAltName::OID, NameConstraints::OID, PolicyConstraints::OID];

pub(super) fn check(tbs: &Tbs<'_>, profile: &Profile, csr: &Csr, issuer: &Issuer) -> Result<(), Finding> {
    let extensions = tbs.extensions();
    for (at, extension) in extensions.iter().enumerate() {
        if extensions[..at].iter().any(|before| before.extn_id == extension.extn_id) {
            return Err(Finding::ExtensionTwice(extension.extn_id.to_string()));
        }
        if extension.critical && !MAY_BE_CRITICAL.contains(&extension.extn_id) {
            return Err(Finding::Critical(extension.extn_id.to_string()));
        }
    }
    check_keys(tbs, csr, issuer)?;
    let usage = check_authority(tbs, profile, issuer)?;
    check_usage(usage, csr.public_key())?;
    if let Some((_, ExtendedKeyUsage(purposes))) = tbs.find("extKeyUsage")? {
        check_purposes(&purposes, usage, issuer)?;
    }
    if let Some((_, CertificatePolicies(policies))) = tbs.find("certificatePolicies")? {
        let policies: Vec<_> = policies.iter().map(|policy| policy.policy_identifier).collect();
        for (at, policy) in policies.iter().enumerate() {
            if policies[..at].contains(policy) {
                return Err(Finding::PolicyTwice(policy.to_string()));
            }
        }
    }
    Ok(())
}

fn check_keys(tbs: &Tbs<'_>, csr: &Csr, issuer: &Issuer) -> Result<(), Finding> {
    let (_, SubjectKeyIdentifier(own)) =
        tbs.find("subjectKeyIdentifier")?.ok_or(Finding::Missing("subjectKeyIdentifier"))?;
    let key = SubjectPublicKeyInfoRef::try_from(csr.spki_der()).map_err(|_| Finding::OtherKey)?;
    if key_identifier(&key).ok().as_ref() != Some(&own) {
        return Err(Finding::KeyIdentifier);
    }
    let (_, above): (_, AuthorityKeyIdentifier) =
        tbs.find("authorityKeyIdentifier")?.ok_or(Finding::Missing("authorityKeyIdentifier"))?;
    if above.key_identifier.as_ref() != Some(&issuer.key_identifier) {
        return Err(Finding::AuthorityKeyIdentifier);
    }
    Ok(())
}

/// Whether it is what its profile says: an authority with all that one needs, or none with nothing of it.
fn check_authority(tbs: &Tbs<'_>, profile: &Profile, issuer: &Issuer) -> Result<KeyUsage, Finding> {
    let (critical, constraints): (_, BasicConstraints) =
        tbs.find("basicConstraints")?.ok_or(Finding::Missing("basicConstraints"))?;
    if !critical {
        return Err(Finding::NotCritical("basicConstraints"));
    }
    let (critical, usage): (_, KeyUsage) = tbs.find("keyUsage")?.ok_or(Finding::Missing("keyUsage"))?;
    if !critical {
        return Err(Finding::NotCritical("keyUsage"));
    }
    match profile.kind {
        Kind::EndEntity => {
            if constraints.ca || constraints.path_len_constraint.is_some() {
                return Err(Finding::IsAuthority);
            }
            for (bit, name) in [(KeyUsages::KeyCertSign, "keyCertSign"), (KeyUsages::CRLSign, "cRLSign")] {
                if usage.0.contains(bit) {
                    return Err(Finding::UsageOfAuthority(name));
                }
            }
        }
        Kind::Authority { .. } => {
            if !constraints.ca {
                return Err(Finding::IsNoAuthority);
            }
            if !usage.0.contains(KeyUsages::KeyCertSign) {
                return Err(Finding::UsageMissing("keyCertSign"));
            }
            let fits = match (constraints.path_len_constraint, issuer.path_length) {
                (Some(below), Some(room)) => below < room,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if !fits {
                return Err(Finding::PathLength);
            }
        }
    }
    Ok(usage)
}

fn check_usage(usage: KeyUsage, key: PublicKey) -> Result<(), Finding> {
    if usage.0.is_empty() {
        return Err(Finding::NoUsage);
    }
    let impossible: &[(KeyUsages, &'static str)] = match key {
        PublicKey::Rsa { .. } => &[(KeyUsages::KeyAgreement, "keyAgreement")],
        PublicKey::P256 | PublicKey::P384 | PublicKey::P521 => &[
            (KeyUsages::KeyEncipherment, "keyEncipherment"),
            (KeyUsages::DataEncipherment, "dataEncipherment"),
        ],
        // RFC 8410 section 5: Ed25519 signs, and nothing else.
        PublicKey::Ed25519 => &[
            (KeyUsages::KeyEncipherment, "keyEncipherment"),
            (KeyUsages::DataEncipherment, "dataEncipherment"),
            (KeyUsages::KeyAgreement, "keyAgreement"),
        ],
    };
    match impossible.iter().find(|(bit, _)| usage.0.contains(*bit)) {
        Some((_, name)) => Err(Finding::UsageOfKey(name)),
        None => Ok(()),
    }
}

/// RFC 5280 section 4.2.1.12: a purpose and a key usage must fit each other.
fn check_purposes(purposes: &[ObjectIdentifier], usage: KeyUsage, issuer: &Issuer) -> Result<(), Finding> {
    if purposes.is_empty() {
        return Err(Finding::Empty("extKeyUsage"));
    }
    let signs = usage.0.contains(KeyUsages::DigitalSignature);
    let exchanges = usage.0.contains(KeyUsages::KeyEncipherment) || usage.0.contains(KeyUsages::KeyAgreement);
    for purpose in purposes {
        let title = || purpose.to_string();
        if NEVER.contains(purpose) {
            return Err(Finding::Purpose { purpose: title() });
        }
        let fits = match *purpose {
            oid::ID_KP_SERVER_AUTH => signs || exchanges,
            oid::ID_KP_CLIENT_AUTH => signs || usage.0.contains(KeyUsages::KeyAgreement),
            oid::ID_KP_CODE_SIGNING => signs,
            _ => true,
        };
        if !fits {
            return Err(Finding::PurposeWithoutUsage { purpose: title() });
        }
        let given = issuer
            .purposes
            .as_ref()
            .is_none_or(|above| above.contains(purpose) || above.contains(&oid::ANY_EXTENDED_KEY_USAGE));
        if !given {
            return Err(Finding::PurposeOfIssuer { purpose: title() });
        }
    }
    Ok(())
}
