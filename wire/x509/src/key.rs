//! Public keys that certificates may be issued for: kinds, sizes, points, and weaknesses that are cheap to see.

mod roca;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519, ParsedPublicKey,
    VerificationAlgorithm,
};

use crate::der::{self, Element, NotDer};

/// Below this a key is broken within its certificate's life (NIST SP 800-131A).
pub const RSA_BITS_MIN: usize = 2048;
/// Verifying costs with the square of the size: what is larger buys nothing and is a way to make a server work.
pub const RSA_BITS_MAX: usize = 4096;
const RSA_EXPONENT_MIN: u64 = 65_537;
/// As FIPS 186 has it for the lower end; larger exponents make verifying as dear as signing.
const RSA_EXPONENT_MAX: u64 = 1 << 32;
const ED25519_BYTES: usize = 32;
/// SEC 1 section 2.3.3: uncompressed.
const UNCOMPRESSED: u8 = 4;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const ED25519_OID: &[u8] = &[0x2b, 0x65, 0x70];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 4, 0, 0x23];

/// What a sound public key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicKey {
    P256,
    P384,
    P521,
    Ed25519,
    Rsa { bits: usize },
}

/// Why no certificate may be issued for a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnfitKey {
    #[error("public key cannot be read ({0}): make the key pair again")]
    NotDer(#[from] NotDer),
    #[error("public key algorithm `{oid}` is not accepted: use P-256, P-384, P-521, Ed25519 or RSA")]
    Algorithm { oid: String },
    #[error("public key algorithm has parameters that do not belong to it: make the key pair again")]
    Parameters,
    #[error(
        "public key describes its own curve (explicit parameters), which can hide a broken one: use a named curve, P-256 or P-384"
    )]
    ExplicitCurve,
    #[error("public key is on the curve `{oid}`, which is not accepted: use P-256, P-384 or P-521")]
    Curve { oid: String },
    #[error("public key is a compressed point: write it uncompressed")]
    CompressedPoint,
    #[error("public key is not a point of its curve: make the key pair again")]
    NotOnCurve,
    #[error(
        "public key is an Ed25519 point of low order, for which anybody can make signatures: make the key pair again"
    )]
    LowOrder,
    #[error(
        "public key is RSA of {bits} bits, {RSA_BITS_MIN} to {RSA_BITS_MAX} are accepted: make one of such a size, or use P-256"
    )]
    RsaBits { bits: usize },
    #[error(
        "public key is RSA with an even modulus, which is no product of two primes: make the key pair again"
    )]
    RsaEven,
    #[error(
        "public key is RSA with an exponent that is even, below 65537 or above 4294967296: make the key pair again with 65537"
    )]
    RsaExponent,
    #[error(
        "public key has the pattern of a faulty generator whose RSA keys can be factored (ROCA, CVE-2017-15361): make the key pair outside of that chip, or use P-256"
    )]
    Roca,
}

impl PublicKey {
    /// Judges a SubjectPublicKeyInfo.
    pub fn judge(spki_der: &[u8]) -> Result<Self, UnfitKey> {
        der::check(spki_der)?;
        let mut spki = der::only(spki_der, der::SEQUENCE)?.inside();
        let mut algorithm = spki.expect(der::SEQUENCE)?.inside();
        let key = spki.expect(der::BIT_STRING)?.octets()?;
        spki.end()?;
        let oid = algorithm.expect(der::OID)?.contents;
        let parameters = if algorithm.is_empty() { None } else { Some(algorithm.next()?) };
        algorithm.end()?;
        match oid {
            RSA => rsa(key, parameters),
            EC => elliptic(key, parameters),
            ED25519_OID => edwards(key, parameters),
            other => Err(UnfitKey::Algorithm { oid: der::dotted(other)? }),
        }
    }
}

fn elliptic(key: &[u8], parameters: Option<Element<'_>>) -> Result<PublicKey, UnfitKey> {
    let curve = match parameters {
        Some(Element { tag: der::OID, contents, .. }) => contents,
        Some(Element { tag: der::SEQUENCE, .. }) => return Err(UnfitKey::ExplicitCurve),
        // RFC 5480 section 2.1.1: absent and null (a curve inherited from an issuer) must not be used.
        Some(_) | None => return Err(UnfitKey::Parameters),
    };
    let (kind, verifier): (_, &'static dyn VerificationAlgorithm) = match curve {
        P256 => (PublicKey::P256, &ECDSA_P256_SHA256_ASN1),
        P384 => (PublicKey::P384, &ECDSA_P384_SHA384_ASN1),
        P521 => (PublicKey::P521, &ECDSA_P521_SHA512_ASN1),
        other => return Err(UnfitKey::Curve { oid: der::dotted(other)? }),
    };
    if matches!(key.first(), Some(2 | 3)) {
        return Err(UnfitKey::CompressedPoint);
    }
    if key.first() != Some(&UNCOMPRESSED) {
        return Err(UnfitKey::NotOnCurve);
    }
    ParsedPublicKey::new(verifier, key).map_err(|_| UnfitKey::NotOnCurve)?;
    Ok(kind)
}

fn edwards(key: &[u8], parameters: Option<Element<'_>>) -> Result<PublicKey, UnfitKey> {
    // RFC 8410 section 3: the parameters must be absent.
    if parameters.is_some() {
        return Err(UnfitKey::Parameters);
    }
    let Some((last, rest)) = key.split_last().filter(|_| key.len() == ED25519_BYTES) else {
        return Err(UnfitKey::NotOnCurve);
    };
    let y: Vec<u8> = rest.iter().copied().chain([last & 0x7f]).collect();
    if LOW_ORDER.iter().any(|low| y == octets_of(low)) {
        return Err(UnfitKey::LowOrder);
    }
    ParsedPublicKey::new(&ED25519, key).map_err(|_| UnfitKey::NotOnCurve)?;
    Ok(PublicKey::Ed25519)
}

/// The second coordinate of every point of order 1, 2, 4 or 8, also as numbers not reduced modulo 2^255 - 19.
const LOW_ORDER: [[u64; 4]; 7] = [
    [0, 0, 0, 0],
    [1, 0, 0, 0],
    [0xb027_b2c2_8f95_e826, 0xf098_eff2_89f4_c345, 0x3933_c6d3_05ac_dfd5, 0x05fc_536d_8802_38b1],
    [0x4fd8_4d3d_706a_17c7, 0x0f67_100d_760b_3cba, 0xc6cc_392c_fa53_202a, 0x7a03_ac92_77fd_c74e],
    [0xffff_ffff_ffff_ffec, u64::MAX, u64::MAX, 0x7fff_ffff_ffff_ffff],
    [0xffff_ffff_ffff_ffed, u64::MAX, u64::MAX, 0x7fff_ffff_ffff_ffff],
    [0xffff_ffff_ffff_ffee, u64::MAX, u64::MAX, 0x7fff_ffff_ffff_ffff],
];

fn octets_of(words: &[u64; 4]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn rsa(key: &[u8], parameters: Option<Element<'_>>) -> Result<PublicKey, UnfitKey> {
    // RFC 3279 section 2.3.1 demands the null; some leave it out.
    if parameters.is_some_and(|parameters| parameters.whole != [5, 0]) {
        return Err(UnfitKey::Parameters);
    }
    der::check(key)?;
    let mut numbers = der::only(key, der::SEQUENCE)?.inside();
    let modulus = numbers.expect(der::INTEGER)?.unsigned()?;
    let exponent = numbers.expect(der::INTEGER)?.unsigned()?;
    numbers.end()?;
    let leading = modulus.first().map_or(0, |octet| octet.leading_zeros() as usize);
    let bits = modulus.len() * 8 - leading;
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
        return Err(UnfitKey::RsaBits { bits });
    }
    if modulus.last().is_none_or(|last| last & 1 == 0) {
        return Err(UnfitKey::RsaEven);
    }
    let exponent = match exponent.len() {
        0..=8 => exponent.iter().fold(0, |number: u64, octet| number << 8 | u64::from(*octet)),
        _ => u64::MAX,
    };
    if exponent & 1 == 0 || !(RSA_EXPONENT_MIN..=RSA_EXPONENT_MAX).contains(&exponent) {
        return Err(UnfitKey::RsaExponent);
    }
    if roca::has_pattern(modulus) {
        return Err(UnfitKey::Roca);
    }
    Ok(PublicKey::Rsa { bits })
}

#[cfg(test)]
mod tests;
