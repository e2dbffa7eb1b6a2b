//! The handle as the certificate builder wants it: ECDSA with P-256 and SHA-256.

use aws_lc_rs::rand::SystemRandom;
use signature::{Keypair, Signer};
use x509_cert::{
    der::{Document, asn1::BitString},
    spki::{
        AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey, ObjectIdentifier,
        SignatureBitStringEncoding,
    },
};

use super::{PublicKey, SigningKey};

/// ecdsa-with-SHA256, whose parameters are absent (RFC 5758 section 3.2).
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// An ECDSA signature, DER.
pub(crate) struct Signature(Vec<u8>);

impl Signer<Signature> for SigningKey {
    fn try_sign(&self, message: &[u8]) -> Result<Signature, signature::Error> {
        // AWS-LC draws its nonces itself; the argument is there for ring's sake.
        let signed = self.pair.sign(&SystemRandom::new(), message).map_err(|_| signature::Error::new())?;
        Ok(Signature(signed.as_ref().to_vec()))
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

impl EncodePublicKey for PublicKey {
    fn to_public_key_der(&self) -> x509_cert::spki::Result<Document> {
        Ok(Document::try_from(self.0.clone())?)
    }
}

impl SignatureBitStringEncoding for Signature {
    fn to_bitstring(&self) -> x509_cert::der::Result<BitString> {
        BitString::from_bytes(&self.0)
    }
}
