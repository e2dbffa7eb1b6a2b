//! Public keys, as the builders of x509-cert want them: enough to build what is to be signed, nothing to sign with.

use std::fmt;

use signature::Keypair;
use x509_cert::{
    der::Document,
    spki::{AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey},
};

use super::KeyKind;

/// A public key of ours. Give it to `Builder::finalize` as the signer, sign the result with [`super::Keys::sign`], and
/// put both together with [`super::Signature::wrap`].
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    kind: KeyKind,
    spki_der: Vec<u8>,
}

impl PublicKey {
    pub(super) fn new(kind: KeyKind, spki_der: Vec<u8>) -> Self {
        Self { kind, spki_der }
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.kind
    }

    /// SubjectPublicKeyInfo, DER.
    pub(crate) fn spki_der(&self) -> &[u8] {
        &self.spki_der
    }

    /// AlgorithmIdentifier of the signatures that this key verifies, DER: it stands inside what is signed, too.
    pub(crate) fn signature_algorithm_der(&self) -> Vec<u8> {
        self.kind.signature_algorithm_der()
    }
}

impl Keypair for PublicKey {
    type VerifyingKey = Self;

    fn verifying_key(&self) -> Self {
        self.clone()
    }
}

impl DynSignatureAlgorithmIdentifier for PublicKey {
    fn signature_algorithm_identifier(&self) -> x509_cert::spki::Result<AlgorithmIdentifierOwned> {
        Ok(self.kind.signature_algorithm())
    }
}

impl EncodePublicKey for PublicKey {
    fn to_public_key_der(&self) -> x509_cert::spki::Result<Document> {
        Ok(Document::try_from(self.spki_der.clone())?)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {} bytes)", self.kind, self.spki_der.len())
    }
}
