//! What the certificate of an authority that was signed elsewhere must be, before it is activated. Pure.
//!
//! The list is Azure's for an intermediate that a customer brings; each point is refused in its own words.

use jiff::{SignedDuration, Timestamp};
use x509_cert::{
    certificate::{TbsCertificate, Version},
    der::{
        Decode,
        asn1::ObjectIdentifier,
        oid::{
            AssociatedOid,
            db::{
                rfc5280::ID_KP_CLIENT_AUTH,
                rfc5912::{
                    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, ID_EC_PUBLIC_KEY,
                    SECP_256_R_1, SECP_384_R_1, SECP_521_R_1,
                },
            },
        },
    },
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier},
};

use muster_x509::{Certificate, PATH_DEPTH_MAX, issued_by};

use crate::hierarchy::subject;

/// An authority that runs out sooner cannot give a device a year.
const DAYS_LEFT_MIN: i64 = 365;

/// What was asked for.
pub(super) struct Asked<'a> {
    pub(super) subject_der: &'a [u8],
    pub(super) spki_der: &'a [u8],
    pub(super) path_len: u8,
}

/// Why a chain is not taken; `certificate` is the subject of the one at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error(
        "chain of {given} certificates is not one: send the authority's certificate, then its issuers up to the root, at most {} in all",
        PATH_DEPTH_MAX
    )]
    Length { given: usize },
    #[error(
        "certificate `{certificate}` is not the first of the chain: put the new authority's certificate first"
    )]
    Order { certificate: String },
    #[error(
        "certificate `{certificate}` has another public key than the request: sign the request that was made here"
    )]
    OtherKey { certificate: String },
    #[error(
        "certificate has the subject `{certificate}`, but the request says otherwise: keep the subject of the request"
    )]
    OtherSubject { certificate: String },
    #[error("certificate `{certificate}` is not of version 3: sign with extensions")]
    Version { certificate: String },
    #[error("certificate `{certificate}` has no basicConstraints: sign it as an authority, `CA:TRUE`")]
    NoBasicConstraints { certificate: String },
    #[error("basicConstraints of `{certificate}` says `CA:FALSE`: sign it as an authority, `CA:TRUE`")]
    NotCa { certificate: String },
    #[error("basicConstraints of `{certificate}` is not critical: mark it so")]
    BasicConstraintsNotCritical { certificate: String },
    #[error(
        "basicConstraints of `{certificate}` says pathlen {found} instead of {wanted}: sign it with `pathlen:{wanted}`"
    )]
    PathLen { certificate: String, found: String, wanted: u8 },
    #[error(
        "keyUsage of `{certificate}` lacks {missing}: sign it with digitalSignature, keyCertSign and cRLSign"
    )]
    KeyUsage { certificate: String, missing: &'static str },
    #[error(
        "extendedKeyUsage of `{certificate}` lacks clientAuth, so no device could use what it issues: add clientAuth, or leave the extension out"
    )]
    ExtendedKeyUsage { certificate: String },
    #[error("certificate `{certificate}` has no subjectKeyIdentifier: add one")]
    NoSubjectKeyIdentifier { certificate: String },
    #[error(
        "certificate `{certificate}` has a key that is not P-256, P-384 or P-521: use an elliptic curve, RSA is not taken"
    )]
    Key { certificate: String },
    #[error(
        "certificate `{certificate}` is signed with {algorithm}: sign it by ECDSA with SHA-256, SHA-384 or SHA-512"
    )]
    Signature { certificate: String, algorithm: String },
    #[error("certificate `{certificate}` is valid from {not_before} only: wait, or set the clock")]
    NotYetValid { certificate: String, not_before: Timestamp },
    #[error(
        "certificate `{certificate}` has {days} days left, {DAYS_LEFT_MIN} are needed: sign it for longer"
    )]
    TooShort { certificate: String, days: i64 },
    #[error("certificate `{certificate}` expired at {not_after}: take one that lasts")]
    Expired { certificate: String, not_after: Timestamp },
    #[error(
        "certificate `{certificate}` is not signed by the next one, `{issuer}`: send the whole chain, in order"
    )]
    Broken { certificate: String, issuer: String },
    #[error(
        "certificate `{issuer}` allows {allowed} authorities below it, but there are {below}: have it signed by one that allows more"
    )]
    IssuerPathLen { issuer: String, allowed: u8, below: usize },
    #[error(
        "chain ends with `{certificate}`, which is no root: send its issuers too, or import its root first"
    )]
    NoRoot { certificate: String },
    #[error("certificate `{certificate}` has an extension that cannot be read ({reason}): sign it anew")]
    Malformed { certificate: String, reason: String },
}

/// `chain` from the new authority to its root, both included.
pub(super) fn check(asked: &Asked<'_>, chain: &[Certificate], now: Timestamp) -> Result<(), Unfit> {
    let [own, issuers @ ..] = chain else { return Err(Unfit::Length { given: 0 }) };
    if issuers.is_empty() || chain.len() > PATH_DEPTH_MAX {
        return Err(Unfit::Length { given: chain.len() });
    }
    if own.spki_der() != asked.spki_der {
        let elsewhere = issuers.iter().any(|issuer| issuer.spki_der() == asked.spki_der);
        let certificate = own.subject().to_owned();
        return Err(if elsewhere { Unfit::Order { certificate } } else { Unfit::OtherKey { certificate } });
    }
    if !subject::is_same(own.subject_der(), asked.subject_der) {
        return Err(Unfit::OtherSubject { certificate: own.subject().to_owned() });
    }
    let parsed = chain.iter().map(Parsed::new).collect::<Result<Vec<_>, _>>()?;
    parsed[0].extensions_fit(asked.path_len)?;
    for certificate in &parsed {
        certificate.algorithms_fit()?;
    }
    life_fits(own, now)?;
    path_fits(&parsed, now)
}

/// A certificate with what its encoding says in detail.
struct Parsed<'a> {
    certificate: &'a Certificate,
    detail: x509_cert::Certificate,
}

impl<'a> Parsed<'a> {
    fn new(certificate: &'a Certificate) -> Result<Self, Unfit> {
        let detail = x509_cert::Certificate::from_der(certificate.der());
        let malformed = |error: x509_cert::der::Error| Unfit::Malformed {
            certificate: name(certificate),
            reason: error.to_string(),
        };
        Ok(Self { certificate, detail: detail.map_err(malformed)? })
    }

    fn tbs(&self) -> &TbsCertificate {
        self.detail.tbs_certificate()
    }

    fn name(&self) -> String {
        name(self.certificate)
    }

    /// The extension, and whether it is critical.
    fn extension<'b, T: Decode<'b, Error = x509_cert::der::Error> + AssociatedOid>(
        &'b self,
    ) -> Result<Option<(bool, T)>, Unfit> {
        self.tbs()
            .get_extension::<T>()
            .map_err(|error| Unfit::Malformed { certificate: self.name(), reason: error.to_string() })
    }

    fn extensions_fit(&self, path_len: u8) -> Result<(), Unfit> {
        let certificate = self.name();
        if self.tbs().version() != Version::V3 {
            return Err(Unfit::Version { certificate });
        }
        let Some((critical, constraints)) = self.extension::<BasicConstraints>()? else {
            return Err(Unfit::NoBasicConstraints { certificate });
        };
        if !constraints.ca {
            return Err(Unfit::NotCa { certificate });
        }
        if !critical {
            return Err(Unfit::BasicConstraintsNotCritical { certificate });
        }
        if constraints.path_len_constraint != Some(path_len) {
            let found =
                constraints.path_len_constraint.map_or("unlimited".to_owned(), |found| found.to_string());
            return Err(Unfit::PathLen { certificate, found, wanted: path_len });
        }
        let usage = self.extension::<KeyUsage>()?.map(|(_, usage)| usage.0).unwrap_or_default();
        for (needed, missing) in [
            (KeyUsages::DigitalSignature, "digitalSignature"),
            (KeyUsages::KeyCertSign, "keyCertSign"),
            (KeyUsages::CRLSign, "cRLSign"),
        ] {
            if !usage.contains(needed) {
                return Err(Unfit::KeyUsage { certificate, missing });
            }
        }
        if let Some((_, purposes)) = self.extension::<ExtendedKeyUsage>()?
            && !purposes.0.contains(&ID_KP_CLIENT_AUTH)
        {
            return Err(Unfit::ExtendedKeyUsage { certificate });
        }
        if self.extension::<SubjectKeyIdentifier>()?.is_none() {
            return Err(Unfit::NoSubjectKeyIdentifier { certificate });
        }
        Ok(())
    }

    fn algorithms_fit(&self) -> Result<(), Unfit> {
        let algorithm = &self.detail.signature_algorithm().oid;
        if ![ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512].contains(algorithm) {
            return Err(Unfit::Signature { certificate: self.name(), algorithm: algorithm_name(algorithm) });
        }
        let key = &self.tbs().subject_public_key_info().algorithm;
        let curve = key.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
        let named = curve.is_some_and(|curve| [SECP_256_R_1, SECP_384_R_1, SECP_521_R_1].contains(&curve));
        if key.oid != ID_EC_PUBLIC_KEY || !named {
            return Err(Unfit::Key { certificate: self.name() });
        }
        Ok(())
    }
}

fn life_fits(own: &Certificate, now: Timestamp) -> Result<(), Unfit> {
    let left = own.not_after().duration_since(now);
    if left < SignedDuration::from_hours(24 * DAYS_LEFT_MIN) {
        return Err(Unfit::TooShort { certificate: name(own), days: left.as_hours().div_euclid(24) });
    }
    Ok(())
}

/// Every certificate signed by the next one, which may sign it; the last one by itself.
fn path_fits(chain: &[Parsed<'_>], now: Timestamp) -> Result<(), Unfit> {
    for (below, pair) in chain.windows(2).enumerate() {
        let (child, issuer) = (pair[0].certificate, pair[1].certificate);
        if !issued_by(child, issuer) {
            return Err(Unfit::Broken { certificate: name(child), issuer: name(issuer) });
        }
        let constraints = pair[1].extension::<BasicConstraints>()?.map(|(_, constraints)| constraints);
        match constraints {
            Some(BasicConstraints { ca: true, path_len_constraint: Some(allowed) })
                if usize::from(allowed) < below + 1 =>
            {
                return Err(Unfit::IssuerPathLen { issuer: name(issuer), allowed, below: below + 1 });
            }
            Some(BasicConstraints { ca: true, .. }) => {}
            Some(_) => return Err(Unfit::NotCa { certificate: name(issuer) }),
            None => return Err(Unfit::NoBasicConstraints { certificate: name(issuer) }),
        }
        let usage = pair[1].extension::<KeyUsage>()?;
        if usage.is_some_and(|(_, usage)| !usage.0.contains(KeyUsages::KeyCertSign)) {
            return Err(Unfit::KeyUsage { certificate: name(issuer), missing: "keyCertSign" });
        }
    }
    for certificate in chain.iter().map(|parsed| parsed.certificate) {
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        if now < not_before {
            return Err(Unfit::NotYetValid { certificate: name(certificate), not_before });
        }
        if not_after < now {
            return Err(Unfit::Expired { certificate: name(certificate), not_after });
        }
    }
    match chain.last() {
        Some(root) if issued_by(root.certificate, root.certificate) => Ok(()),
        Some(last) => Err(Unfit::NoRoot { certificate: last.name() }),
        None => Err(Unfit::Length { given: 0 }),
    }
}

fn name(certificate: &Certificate) -> String {
    certificate.subject().to_owned()
}

/// Those that are met in the field by name.
fn algorithm_name(oid: &ObjectIdentifier) -> String {
    let text = oid.to_string();
    let known = match text.as_str() {
        "1.2.840.113549.1.1.5" => "RSA and SHA-1",
        "1.2.840.113549.1.1.10" => "RSA-PSS",
        "1.2.840.113549.1.1.11" => "RSA and SHA-256",
        "1.2.840.113549.1.1.12" => "RSA and SHA-384",
        "1.2.840.113549.1.1.13" => "RSA and SHA-512",
        "1.2.840.10045.4.1" => "ECDSA and SHA-1",
        "1.2.840.10045.4.3.1" => "ECDSA and SHA-224",
        "1.3.101.112" => "Ed25519",
        _ => return text,
    };
    known.to_owned()
}
