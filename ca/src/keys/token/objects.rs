//! Attributes of keys in a token, and the public key that they make. Pure.

use aws_lc_rs::digest::{SHA256, digest};
use cryptoki::{
    mechanism::Mechanism,
    object::{Attribute, AttributeType, KeyType, ObjectClass},
};
use x509_cert::{
    der::{
        Any, Decode, Encode, Sequence,
        asn1::{BitString, ObjectIdentifier, OctetStringRef, UintRef},
    },
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
};

use super::{KeyKind, KeyName, PublicKey};

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// What a public key is read from.
pub(super) const READ: [AttributeType; 6] = [
    AttributeType::Label,
    AttributeType::KeyType,
    AttributeType::EcParams,
    AttributeType::EcPoint,
    AttributeType::Modulus,
    AttributeType::PublicExponent,
];

/// RFC 8017 appendix A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// How to make a key pair: mechanism, public template, private template. None when tokens make no such keys here.
pub(super) fn templates(
    name: &KeyName,
    kind: KeyKind,
) -> Option<(Mechanism<'static>, Vec<Attribute>, Vec<Attribute>)> {
    let label = name.as_str().as_bytes().to_vec();
    // Tools pair the two halves by this.
    let id = digest(&SHA256, &label).as_ref()[..16].to_vec();
    let both = || vec![Attribute::Token(true), Attribute::Label(label.clone()), Attribute::Id(id.clone())];
    let (mechanism, what) = match kind {
        KeyKind::P256 => (Mechanism::EccKeyPairGen, vec![Attribute::EcParams(P256.to_der().ok()?)]),
        KeyKind::P384 => (Mechanism::EccKeyPairGen, vec![Attribute::EcParams(P384.to_der().ok()?)]),
        KeyKind::Rsa2048 => (Mechanism::RsaPkcsKeyPairGen, rsa(2048)),
        KeyKind::Rsa3072 => (Mechanism::RsaPkcsKeyPairGen, rsa(3072)),
        KeyKind::Rsa4096 => (Mechanism::RsaPkcsKeyPairGen, rsa(4096)),
        KeyKind::Ed25519 => return None,
    };
    let public = [both(), vec![Attribute::Verify(true)], what].concat();
    let private = [
        both(),
        vec![
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
        ],
    ]
    .concat();
    Some((mechanism, public, private))
}

fn rsa(bits: u64) -> Vec<Attribute> {
    vec![Attribute::ModulusBits(bits.into()), Attribute::PublicExponent(RSA_EXPONENT.to_vec())]
}

pub(super) fn by_label(class: ObjectClass, name: &KeyName) -> [Attribute; 3] {
    [Attribute::Class(class), Attribute::Token(true), Attribute::Label(name.as_str().as_bytes().to_vec())]
}

/// The label, when it is a name of ours.
pub(super) fn name_of(attributes: &[Attribute]) -> Option<KeyName> {
    attributes.iter().find_map(|attribute| match attribute {
        Attribute::Label(label) => KeyName::parse(std::str::from_utf8(label).ok()?).ok(),
        _ => None,
    })
}

/// None when it is a key of a kind that is not used here.
pub(super) fn public_of(attributes: &[Attribute]) -> Option<PublicKey> {
    let key_type = attributes.iter().find_map(|attribute| match attribute {
        Attribute::KeyType(key_type) => Some(*key_type),
        _ => None,
    })?;
    if key_type == KeyType::EC {
        ec(attributes)
    } else if key_type == KeyType::RSA {
        rsa_public(attributes)
    } else {
        None
    }
}

fn ec(attributes: &[Attribute]) -> Option<PublicKey> {
    let (mut params, mut point) = (None, None);
    for attribute in attributes {
        match attribute {
            Attribute::EcParams(der) => params = Some(der),
            Attribute::EcPoint(der) => point = Some(der),
            _ => {}
        }
    }
    let curve = ObjectIdentifier::from_der(params?).ok()?;
    let kind = match curve {
        P256 => KeyKind::P256,
        P384 => KeyKind::P384,
        _ => return None,
    };
    // DER of an OCTET STRING (PKCS#11 section 6.3.3); some tokens leave the wrapping out.
    let point = point?;
    let bytes = <&OctetStringRef>::from_der(point).map_or(point.as_slice(), OctetStringRef::as_bytes);
    let algorithm =
        AlgorithmIdentifierOwned { oid: EC_PUBLIC_KEY, parameters: Some(Any::encode_from(&curve).ok()?) };
    public(kind, algorithm, bytes)
}

fn rsa_public(attributes: &[Attribute]) -> Option<PublicKey> {
    let (mut modulus, mut exponent) = (None, None);
    for attribute in attributes {
        match attribute {
            Attribute::Modulus(bytes) => modulus = Some(bytes),
            Attribute::PublicExponent(bytes) => exponent = Some(bytes),
            _ => {}
        }
    }
    let key = RsaPublicKey { modulus: UintRef::new(modulus?).ok()?, exponent: UintRef::new(exponent?).ok()? };
    let kind = match key.modulus.as_bytes().len() {
        256 => KeyKind::Rsa2048,
        384 => KeyKind::Rsa3072,
        512 => KeyKind::Rsa4096,
        _ => return None,
    };
    let algorithm = AlgorithmIdentifierOwned { oid: RSA_ENCRYPTION, parameters: Some(Any::null()) };
    public(kind, algorithm, &key.to_der().ok()?)
}

fn public(kind: KeyKind, algorithm: AlgorithmIdentifierOwned, bits: &[u8]) -> Option<PublicKey> {
    let subject_public_key = BitString::from_bytes(bits).ok()?;
    let spki = SubjectPublicKeyInfoOwned { algorithm, subject_public_key };
    Some(PublicKey::new(kind, spki.to_der().ok()?))
}
