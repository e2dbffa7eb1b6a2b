//! Private keys: made, sealed to disk, loaded. Nothing outside this folder sees their bytes, only a handle that signs;
//! the one exception is a TLS listener's own key, which TLS needs in the clear.

mod sealed;
mod signer;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    error::Unspecified,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use zeroize::Zeroizing;

use crate::folder::FolderError;

pub(crate) use sealed::{ServerKey, load, make};
pub(crate) use signer::Signature;

/// A P-256 key that signs. Its bytes stay in AWS-LC, which wipes them when the handle is dropped.
pub(crate) struct SigningKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
}

/// SubjectPublicKeyInfo, DER.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicKey(Vec<u8>);

/// Why a key cannot be made, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot make a key: the random source of the operating system failed")]
    Make,
    #[error("private key in `{path}` is damaged ({reason}): restore it from a backup")]
    Damaged { path: std::path::PathBuf, reason: &'static str },
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl SigningKey {
    fn generate() -> Result<Self, KeyError> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
            .and_then(Self::try_from)
            .map_err(|Unspecified| KeyError::Make)
    }

    fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).ok()?;
        Self::try_from(pair).ok()
    }

    fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        // The document that AWS-LC hands out wipes itself too.
        let document = self.pair.to_pkcs8v1().map_err(|Unspecified| KeyError::Make)?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }
}

impl TryFrom<EcdsaKeyPair> for SigningKey {
    type Error = Unspecified;

    fn try_from(pair: EcdsaKeyPair) -> Result<Self, Unspecified> {
        let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key())?;
        let public = PublicKey(spki.as_ref().to_vec());
        Ok(Self { pair, public })
    }
}

impl PublicKey {
    pub(crate) fn spki_der(&self) -> &[u8] {
        &self.0
    }
}
