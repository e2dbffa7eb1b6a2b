//! Keys that are fit, and each way of being unfit.

use rcgen::{KeyPair, PublicKeyData};

use super::{PublicKey, RSA_BITS_MAX, RSA_BITS_MIN, UnfitKey, roca};
use crate::workshop::{element, integer};

const NULL: &[u8] = &[5, 0];

fn spki(algorithm: &[u8], parameters: &[u8], key: &[u8]) -> Vec<u8> {
    let algorithm = element(0x30, &[&element(6, &[algorithm]), parameters]);
    element(0x30, &[&algorithm, &element(3, &[&[0], key])])
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    spki(super::RSA, NULL, &element(0x30, &[&integer(modulus), &integer(exponent)]))
}

/// An odd number of so many bits that is no power of anything.
fn modulus(bits: usize) -> Vec<u8> {
    let mut octets = vec![0x5b; bits.div_ceil(8)];
    octets[0] = 1 << ((bits - 1) % 8);
    octets
}

fn named(curve: &[u8], key: &[u8]) -> Vec<u8> {
    spki(super::EC, &element(6, &[curve]), key)
}

#[test]
fn every_accepted_kind_is_told() {
    for (algorithm, kind) in [
        (&rcgen::PKCS_ECDSA_P256_SHA256, PublicKey::P256),
        (&rcgen::PKCS_ECDSA_P384_SHA384, PublicKey::P384),
        (&rcgen::PKCS_ECDSA_P521_SHA512, PublicKey::P521),
        (&rcgen::PKCS_ED25519, PublicKey::Ed25519),
        (&rcgen::PKCS_RSA_SHA256, PublicKey::Rsa { bits: 2048 }),
    ] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        assert_eq!(PublicKey::judge(&key.subject_public_key_info()), Ok(kind));
    }
}

#[test]
fn rsa_has_bounds_in_size_and_exponent() {
    let judge = |bits: usize, exponent: &[u8]| PublicKey::judge(&rsa(&modulus(bits), exponent));
    let usual: &[u8] = &[1, 0, 1];
    for bits in [RSA_BITS_MIN, 2052, 3072, RSA_BITS_MAX] {
        assert_eq!(judge(bits, usual), Ok(PublicKey::Rsa { bits }));
    }
    for bits in [512, 1024, RSA_BITS_MIN - 1, RSA_BITS_MAX + 1, 16_384] {
        assert_eq!(judge(bits, usual), Err(UnfitKey::RsaBits { bits }));
    }
    for exponent in [&[3][..], &[0], &[1], &[1, 0, 0], &[1, 0, 0, 0, 1], &[0xff; 9], &[0xff; 64]] {
        assert_eq!(judge(2048, exponent), Err(UnfitKey::RsaExponent), "{exponent:02x?}");
    }
    assert_eq!(judge(2048, &[1, 0, 0, 1]), Ok(PublicKey::Rsa { bits: 2048 }));
    assert_eq!(judge(2048, &[0xff, 0xff, 0xff, 0xff]), Ok(PublicKey::Rsa { bits: 2048 }));
    let mut even = modulus(2048);
    *even.last_mut().unwrap() = 2;
    assert_eq!(PublicKey::judge(&rsa(&even, usual)), Err(UnfitKey::RsaEven));
}

#[test]
fn the_pattern_of_roca_is_seen_and_sound_keys_do_not_have_it() {
    // A power of 65537 has the pattern modulo every prime. It is no product of two primes, which nobody can see.
    let mut power = vec![1u8];
    while power.len() < 257 {
        let shifted = [&power[..], &[0, 0]].concat();
        power = sum(&shifted, &power);
    }
    assert!(roca::has_pattern(&power));
    assert_eq!(PublicKey::judge(&rsa(&power, &[1, 0, 1])), Err(UnfitKey::Roca));
    assert!(!roca::has_pattern(&modulus(2048)));
}

/// Big-endian; the first is the longer one.
fn sum(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut octets = vec![];
    let mut carry = 0;
    let mut others = other.iter().rev();
    for octet in one.iter().rev() {
        let total = u16::from(*octet) + u16::from(others.next().copied().unwrap_or(0)) + carry;
        octets.push(total.to_le_bytes()[0]);
        carry = total >> 8;
    }
    if carry > 0 {
        octets.push(1);
    }
    octets.reverse();
    octets
}

#[test]
fn curves_are_named_and_points_lie_on_them() {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let point = key.der_bytes().to_vec();
    assert_eq!(PublicKey::judge(&named(super::P256, &point)), Ok(PublicKey::P256));
    let mut beside = point.clone();
    *beside.last_mut().unwrap() ^= 1;
    for point in [
        &beside[..],
        &point[..64],
        &[4],
        &[],
        &[0],
        &[&[4][..], &[0; 64]].concat(),
        &[&[5], &point[1..]].concat(),
    ] {
        assert_eq!(PublicKey::judge(&named(super::P256, point)), Err(UnfitKey::NotOnCurve), "{point:02x?}");
    }
    assert_eq!(PublicKey::judge(&named(super::P384, &point)), Err(UnfitKey::NotOnCurve));
    let compressed = [&[2 + (point[64] & 1)][..], &point[1..33]].concat();
    assert_eq!(PublicKey::judge(&named(super::P256, &compressed)), Err(UnfitKey::CompressedPoint));
    // secp192r1, secp256k1.
    for (curve, oid) in [
        (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1][..], "1.2.840.10045.3.1.1"),
        (&[0x2b, 0x81, 4, 0, 10], "1.3.132.0.10"),
    ] {
        assert_eq!(PublicKey::judge(&named(curve, &point)), Err(UnfitKey::Curve { oid: oid.to_owned() }));
    }
    let explicit = element(0x30, &[&integer(&[1]), &element(0x30, &[])]);
    assert_eq!(PublicKey::judge(&spki(super::EC, &explicit, &point)), Err(UnfitKey::ExplicitCurve));
    for parameters in [&[][..], NULL] {
        assert_eq!(PublicKey::judge(&spki(super::EC, parameters, &point)), Err(UnfitKey::Parameters));
    }
}

#[test]
fn ed25519_points_of_low_order_are_refused_with_either_sign() {
    let judge = |key: &[u8]| PublicKey::judge(&spki(super::ED25519_OID, &[], key));
    for low in super::LOW_ORDER {
        let mut key = super::octets_of(&low);
        assert_eq!(judge(&key), Err(UnfitKey::LowOrder));
        key[31] |= 0x80;
        assert_eq!(judge(&key), Err(UnfitKey::LowOrder));
    }
    let sound = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().der_bytes().to_vec();
    assert_eq!(judge(&sound), Ok(PublicKey::Ed25519));
    assert_eq!(judge(&sound[1..]), Err(UnfitKey::NotOnCurve));
    assert_eq!(PublicKey::judge(&spki(super::ED25519_OID, NULL, &sound)), Err(UnfitKey::Parameters));
}

#[test]
fn other_algorithms_are_named() {
    // DSA, id-RSASSA-PSS, X25519.
    for (algorithm, oid) in [
        (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1][..], "1.2.840.10040.4.1"),
        (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10], "1.2.840.113549.1.1.10"),
        (&[0x2b, 0x65, 0x6e], "1.3.101.110"),
    ] {
        let judged = PublicKey::judge(&spki(algorithm, &[], &[1, 2, 3]));
        assert_eq!(judged, Err(UnfitKey::Algorithm { oid: oid.to_owned() }));
    }
    assert!(matches!(PublicKey::judge(&[]), Err(UnfitKey::NotDer(_))));
    assert!(matches!(PublicKey::judge(&[0x30, 0]), Err(UnfitKey::NotDer(_))));
}
