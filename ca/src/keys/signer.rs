//! The handle as the certificate builder wants it: ECDSA with P-256 and SHA-256.

use aws_lc_rs::rand::SystemRandom;
use signature::{Keypair, Signer};
use x509_cert::{
    der::asn1::BitString,
    spki::{
        AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, ObjectIdentifier,
        SignatureBitStringEncoding,
    },
};

use super::{PublicKey, SigningKey};

/// ecdsa-with-SHA256, whose parameters are absent (RFC 5758 section 3.2).
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// An ECDSA signature, DER.
pub(crate) struct RawSignature(Vec<u8>);

impl Signer<RawSignature> for SigningKey {
    fn try_sign(&self, message: &[u8]) -> Result<RawSignature, signature::Error> {
        // AWS-LC draws its nonces itself; the argument is there for ring's sake.
        let signed = self.pair.sign(&SystemRandom::new(), message).map_err(|_| signature::Error::new())?;
        Ok(RawSignature(signed.as_ref().to_vec()))
    }
}

impl Keypair for SigningKey {
    type VerifyingKey = PublicKey;

    fn verifying_key(&self) -> PublicKey {
        self.public.clone()
    }
}

impl DynSignatureAlgorithmIdentifier for SigningKey {
    fn signature_algorithm_identifier(&self) -> x509_cert::spki::Result<AlgorithmIdentifierOwned> {
        Ok(AlgorithmIdentifierOwned { oid: ECDSA_WITH_SHA256, parameters: None })
    }
}

impl SignatureBitStringEncoding for RawSignature {
    fn to_bitstring(&self) -> x509_cert::der::Result<BitString> {
        BitString::from_bytes(&self.0)
    }
}

impl RawSignature {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
