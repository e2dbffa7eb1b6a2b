//! A private key in memory. Its bytes stay in AWS-LC, which wipes them when the key is dropped.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    error::Unspecified,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use zeroize::Zeroizing;

use super::{KeyKind, PublicKey, Signature};

pub(crate) struct SoftKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl SoftKey {
    /// Seconds for RSA with 4096 bits, microseconds for curves.
    pub(crate) fn generate(kind: KeyKind) -> Result<Self, Unspecified> {
        let pair = match kind {
            KeyKind::P256 => Pair::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?),
            KeyKind::P384 => Pair::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING)?),
            KeyKind::Ed25519 => Pair::Ed25519(Ed25519KeyPair::generate()?),
            KeyKind::Rsa2048 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048)?),
            KeyKind::Rsa3072 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa3072)?),
            KeyKind::Rsa4096 => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa4096)?),
        };
        Self::new(kind, pair)
    }

    /// None when the bytes are not a key of this kind.
    pub(crate) fn from_pkcs8(kind: KeyKind, pkcs8: &[u8]) -> Option<Self> {
        let ecdsa = |curve: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::from_pkcs8(curve, pkcs8).ok();
        let rsa = |bits: usize| {
            RsaKeyPair::from_pkcs8(pkcs8).ok().filter(|pair| pair.public_modulus_len() * 8 == bits)
        };
        let pair = match kind {
            KeyKind::P256 => Pair::Ecdsa(ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING)?),
            KeyKind::P384 => Pair::Ecdsa(ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING)?),
            KeyKind::Ed25519 => Pair::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8).ok()?),
            KeyKind::Rsa2048 => Pair::Rsa(rsa(2048)?),
            KeyKind::Rsa3072 => Pair::Rsa(rsa(3072)?),
            KeyKind::Rsa4096 => Pair::Rsa(rsa(4096)?),
        };
        Self::new(kind, pair).ok()
    }

    /// The documents that AWS-LC hands out wipe themselves too.
    pub(super) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let bytes = |der: &[u8]| Zeroizing::new(der.to_vec());
        Ok(match &self.pair {
            Pair::Ecdsa(pair) => bytes(pair.to_pkcs8v1()?.as_ref()),
            Pair::Ed25519(pair) => bytes(pair.to_pkcs8v1()?.as_ref()),
            Pair::Rsa(pair) => bytes(AsDer::<Pkcs8V1Der<'_>>::as_der(pair)?.as_ref()),
        })
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// AWS-LC draws its nonces itself; the random argument is there for ring's sake.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature, Unspecified> {
        let random = SystemRandom::new();
        let bytes = match &self.pair {
            Pair::Ecdsa(pair) => pair.sign(&random, message)?.as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.try_sign(message)?.as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut bytes = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut bytes)?;
                bytes
            }
        };
        Ok(Signature { algorithm_der: self.public.signature_algorithm_der(), bytes })
    }

    fn new(kind: KeyKind, pair: Pair) -> Result<Self, Unspecified> {
        let spki = match &pair {
            Pair::Ecdsa(pair) => AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key())?,
            Pair::Ed25519(pair) => pair.public_key().as_der()?,
            Pair::Rsa(pair) => pair.public_key().as_der()?,
        };
        let public = PublicKey::new(kind, spki.as_ref().to_vec());
        Ok(Self { pair, public })
    }
}
