//! Certification requests (PKCS #10, RFC 2986): read strictly, every cheap check first, the signature last.
//!
//! A [`Csr`] that exists is DER within limits, has a sound key of an accepted kind, and was signed by that key. What it asks
//! for is only told here; what of it is granted is a profile's business.

mod attributes;
mod challenge;
mod extensions;
mod refused;
mod subject;

use std::{fmt, sync::Arc};

use x509_parser::{prelude::FromDer, x509::X509Name};
use zeroize::Zeroizing;

use crate::{
    PublicKey, armour,
    der::{self, Element},
    name,
    signature::{self, Signature},
};

pub use attributes::Attribute;
pub use challenge::ChallengePassword;
pub use extensions::{AltName, BasicConstraints, Extension, KeyUse, KeyUses, Requested};
pub use refused::CsrRefused;

/// A P-256 request has 300 bytes, one with ML-DSA-87 7.3 kB: twice that.
pub const CSR_BYTES_MAX: usize = 16 * 1024;
/// Subject attributes, or subject alternative names: what a whole rack's server certificate needs.
pub const NAMES_MAX: usize = 64;
/// RFC 2985 has 255 characters.
pub const CHALLENGE_BYTES_MAX: usize = 1024;

/// Both are in use for the same thing (RFC 7468 section 7).
const LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/// A request whose sender holds the key. Cloning shares; its bytes are wiped with the last copy.
#[derive(Clone)]
pub struct Csr(Arc<Facts>);

struct Facts {
    /// May hold a challenge password.
    der: Zeroizing<Vec<u8>>,
    subject: String,
    subject_der: Box<[u8]>,
    common_name: Option<String>,
    spki_der: Box<[u8]>,
    public_key: PublicKey,
    attributes: Vec<Attribute>,
    requested: Requested,
    challenge_password: Option<ChallengePassword>,
}

impl Csr {
    /// Reads DER, PEM, or the base64 of DER in one line or many.
    pub fn parse(sent: &[u8]) -> Result<Self, CsrRefused> {
        let csr = armour::to_der(sent, &LABELS, CSR_BYTES_MAX)?;
        der::check(&csr)?;
        let mut request = der::only(&csr, der::SEQUENCE)?.inside();
        let info = request.expect(der::SEQUENCE)?;
        let algorithm = request.expect(der::SEQUENCE)?;
        let signed = request.expect(der::BIT_STRING)?;
        request.end()?;

        let mut parts = info.inside();
        let version = parts.expect(der::INTEGER)?.small()?;
        if version != 0 {
            return Err(CsrRefused::Version { version });
        }
        let subject = parts.expect(der::SEQUENCE)?;
        let spki = parts.expect(der::SEQUENCE)?;
        // RFC 2986 wants the field even when it is empty; some small clients leave it out.
        let attributes = parts.optional(der::context(0))?;
        parts.end()?;

        subject::check(&subject)?;
        let public_key = PublicKey::judge(spki.whole)?;
        let attributes = attributes::read(attributes)?;
        self_signed(&info, &algorithm, &signed, &spki)?;

        let (_, name) = X509Name::from_der(subject.whole).map_err(|_| der::NotDer::Unexpected)?;
        let facts = Facts {
            subject: name::to_rfc4514(&name),
            common_name: name::only_common_name(&name),
            subject_der: subject.whole.into(),
            spki_der: spki.whole.into(),
            public_key,
            attributes: attributes.others,
            requested: attributes.requested,
            challenge_password: attributes.challenge_password,
            der: csr.clone(),
        };
        Ok(Self(Arc::new(facts)))
    }

    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// As RFC 4514 writes it. For people and records, never for matching.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    pub fn subject_der(&self) -> &[u8] {
        &self.0.subject_der
    }

    /// None when there are two, because then it names nobody.
    pub fn common_name(&self) -> Option<&str> {
        self.0.common_name.as_deref()
    }

    /// To be copied as it stands into the certificate.
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki_der
    }

    pub fn public_key(&self) -> PublicKey {
        self.0.public_key
    }

    /// The extensions it asks for.
    pub fn requested(&self) -> &Requested {
        &self.0.requested
    }

    /// All other attributes; the challenge password is not among them.
    pub fn attributes(&self) -> &[Attribute] {
        &self.0.attributes
    }

    pub fn challenge_password(&self) -> Option<&ChallengePassword> {
        self.0.challenge_password.as_ref()
    }
}

impl fmt::Debug for Csr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Csr({}, {:?})", self.0.subject, self.0.public_key)
    }
}

fn self_signed(
    info: &Element<'_>,
    algorithm: &Element<'_>,
    signed: &Element<'_>,
    spki: &Element<'_>,
) -> Result<(), CsrRefused> {
    if let Some(algorithm) = signature::weak(algorithm)? {
        return Err(CsrRefused::WeakHash { algorithm });
    }
    match signature::verify(info.whole, algorithm, signed, spki.whole)? {
        Signature::Good => Ok(()),
        Signature::Bad => Err(CsrRefused::Signature),
        Signature::Unsupported { algorithm } => Err(CsrRefused::SignatureAlgorithm { oid: algorithm }),
    }
}

#[cfg(test)]
mod tests;
