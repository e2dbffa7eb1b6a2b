//! Private keys: made, sealed to disk, loaded. Nothing outside this folder sees their bytes, only a handle that signs;
//! the one exception is a TLS listener's own key, which TLS needs in the clear.

mod kind;
mod public;
mod reference;
mod sealed;
mod service;
mod signature;
mod signer;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    error::Unspecified,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use zeroize::Zeroizing;

use crate::folder::FolderError;

pub use kind::{KeyKind, UnknownKeyKind};
pub use public::PublicKey;
pub use reference::{KeyName, KeyPlace, KeyRef, KeyRefError};
pub use service::Keys;
pub use signature::Signature;

pub(crate) use sealed::{ServerKey, load, make};
pub(crate) use signer::RawSignature;

/// A P-256 key that signs. Its bytes stay in AWS-LC, which wipes them when the handle is dropped.
pub(crate) struct SigningKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
}

/// Why a key cannot be made, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot make a key: the random source of the operating system failed")]
    Make,
    #[error("private key in `{path}` is damaged ({reason}): restore it from a backup")]
    Damaged { path: std::path::PathBuf, reason: &'static str },
    #[error("private key `{0}` is not there: restore it from a backup")]
    Missing(KeyRef),
    #[error("private key `{0}` is there already: choose another name")]
    Exists(KeyRef),
    #[error("keys of kind `{kind}` cannot be made {place}: choose another kind, or another place")]
    Unsupported { kind: KeyKind, place: &'static str },
    #[error(
        "there is no PKCS#11 token in the settings: name its module, label and PIN, or keep the key in a file"
    )]
    NoToken,
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    #[error("private key `{0}` is not there: restore it from a backup")]
    Missing(KeyRef),
    #[error("private key `{key}` did not sign ({reason})")]
    Failed { key: KeyRef, reason: String },
    #[error("too many signatures are asked for at once: try again in a moment")]
    Busy,
    #[error("the authority is closed")]
    Closed,
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
        let public = PublicKey::new(KeyKind::P256, spki.as_ref().to_vec());
        Ok(Self { pair, public })
    }
}
