//! One signature: did this key sign that certificate, request or list.

use webpki::ALL_VERIFICATION_ALGS;

use crate::{
    Certificate,
    der::{self, Element, NotDer},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signature {
    Good,
    Bad,
    /// Nothing here verifies this algorithm with this kind of key.
    Unsupported {
        algorithm: String,
    },
}

/// Signature algorithms whose hash can be made to collide.
const WEAK: [(&str, &str); 8] = [
    ("1.2.840.113549.1.1.2", "MD2 with RSA"),
    ("1.2.840.113549.1.1.4", "MD5 with RSA"),
    ("1.2.840.113549.1.1.5", "SHA-1 with RSA"),
    ("1.3.14.3.2.29", "SHA-1 with RSA"),
    ("1.3.14.3.2.3", "MD5 with RSA"),
    ("1.2.840.10045.4.1", "SHA-1 with ECDSA"),
    ("1.2.840.10040.4.3", "SHA-1 with DSA"),
    ("1.3.14.3.2.27", "SHA-1 with DSA"),
];

/// Whether `parent` issued `child`: the name is the same to the byte and the signature verifies.
///
/// Dates and extensions are not looked at, so this finds an authority; [`crate::verify`] judges it.
pub fn issued_by(child: &Certificate, parent: &Certificate) -> bool {
    child.issuer_der() == parent.subject_der() && check(child, parent) == Signature::Good
}

pub(crate) fn check(child: &Certificate, parent: &Certificate) -> Signature {
    // Neither is malformed, for both were parsed before; if it were, its signature would not verify.
    verify_signed(child.der(), parent.spki_der()).unwrap_or(Signature::Bad)
}

/// The form that certificates, requests and lists share: what is signed, the algorithm, the signature.
pub(crate) fn verify_signed(der: &[u8], spki_der: &[u8]) -> Result<Signature, NotDer> {
    let mut parts = der::only(der, der::SEQUENCE)?.inside();
    let signed = parts.next()?;
    let (algorithm, signature) = (parts.expect(der::SEQUENCE)?, parts.expect(der::BIT_STRING)?);
    parts.end()?;
    verify(signed.whole, &algorithm, &signature, spki_der)
}

pub(crate) fn verify(
    signed: &[u8],
    algorithm: &Element<'_>,
    signature: &Element<'_>,
    spki_der: &[u8],
) -> Result<Signature, NotDer> {
    let mut spki = der::only(spki_der, der::SEQUENCE)?.inside();
    let key_algorithm = spki.expect(der::SEQUENCE)?.contents;
    let key = spki.expect(der::BIT_STRING)?.octets()?;
    let signature = signature.octets()?;
    let mut outcome = None;
    for verifier in ALL_VERIFICATION_ALGS {
        if verifier.signature_alg_id().as_ref() != algorithm.contents
            || verifier.public_key_alg_id().as_ref() != key_algorithm
        {
            continue;
        }
        match verifier.verify_signature(key, signed, signature) {
            Ok(()) => return Ok(Signature::Good),
            Err(_) => outcome = Some(Signature::Bad),
        }
    }
    match outcome {
        Some(outcome) => Ok(outcome),
        None => Ok(Signature::Unsupported {
            algorithm: der::dotted(algorithm.inside().expect(der::OID)?.contents)?,
        }),
    }
}

/// The name of the signature algorithm when its hash can be forged.
pub(crate) fn weak(algorithm: &Element<'_>) -> Result<Option<&'static str>, NotDer> {
    let oid = der::dotted(algorithm.inside().expect(der::OID)?.contents)?;
    Ok(WEAK.iter().find(|(weak, _)| *weak == oid).map(|(_, name)| *name))
}
