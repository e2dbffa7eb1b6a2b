//! One signature: did this authority sign that certificate.

use webpki::ALL_VERIFICATION_ALGS;
use x509_parser::asn1_rs::{Any, FromDer, Oid};

use crate::Certificate;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signature {
    Good,
    Bad,
    /// Nothing here verifies this algorithm with this kind of key.
    Unsupported {
        algorithm: String,
    },
}

/// Whether `parent` issued `child`: the name is the same to the byte and the signature verifies.
///
/// Dates and extensions are not looked at, so this finds an authority; [`super::verify`] judges it.
pub fn issued_by(child: &Certificate, parent: &Certificate) -> bool {
    child.issuer_der() == parent.subject_der() && check(child, parent) == Signature::Good
}

pub(super) fn check(child: &Certificate, parent: &Certificate) -> Signature {
    // `None` cannot be: both were parsed before. It is a signature that does not verify all the same.
    verify(child, parent).unwrap_or(Signature::Bad)
}

fn verify(child: &Certificate, parent: &Certificate) -> Option<Signature> {
    let (tbs, rest) = split(split(child.der())?.0.contents)?;
    let (algorithm, rest) = split(rest)?;
    let signature = bits(split(rest)?.0.contents)?;
    let (key_algorithm, rest) = split(split(parent.spki_der())?.0.contents)?;
    let key = bits(split(rest)?.0.contents)?;

    let mut outcome = None;
    for verifier in ALL_VERIFICATION_ALGS {
        if verifier.signature_alg_id().as_ref() != algorithm.contents
            || verifier.public_key_alg_id().as_ref() != key_algorithm.contents
        {
            continue;
        }
        match verifier.verify_signature(key, tbs.whole, signature) {
            Ok(()) => return Some(Signature::Good),
            Err(_) => outcome = Some(Signature::Bad),
        }
    }
    outcome.or_else(|| {
        let (_, oid) = Oid::from_der(algorithm.contents).ok()?;
        Some(Signature::Unsupported { algorithm: oid.to_id_string() })
    })
}

struct Element<'a> {
    /// With its tag and length.
    whole: &'a [u8],
    contents: &'a [u8],
}

/// The first element of `der`, and what follows it.
fn split(der: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (rest, any) = Any::from_der(der).ok()?;
    let whole = der.get(..der.len() - rest.len())?;
    Some((Element { whole, contents: any.data }, rest))
}

/// Keys and signatures are whole octets: the leading count of unused bits is 0.
fn bits(contents: &[u8]) -> Option<&[u8]> {
    contents.strip_prefix(&[0])
}
