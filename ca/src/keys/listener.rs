//! The key of a TLS listener: the one key that leaves this folder, because TLS needs it in the clear.

use zeroize::Zeroizing;

use super::{KeyError, KeyKind, SoftKey, files::SealedFiles};

/// Sealed on disk all the same.
pub(crate) struct ListenerKey {
    pub(crate) key: SoftKey,
    pub(crate) pkcs8: Zeroizing<Vec<u8>>,
}

impl ListenerKey {
    pub(crate) fn generate() -> Result<Self, KeyError> {
        let key = SoftKey::generate(KeyKind::P256).map_err(|_| KeyError::Make)?;
        let pkcs8 = key.to_pkcs8().map_err(|_| KeyError::Make)?;
        Ok(Self { key, pkcs8 })
    }

    pub(super) fn seal(&self, files: &SealedFiles, name: &str) -> Result<String, KeyError> {
        files.seal(name, KeyKind::P256, &self.pkcs8)
    }

    /// What [`Self::seal`] made; none when it is damaged.
    pub(super) fn unseal(files: &SealedFiles, name: &str, text: &str) -> Option<Self> {
        let (kind, pkcs8) = files.unseal(name, text).ok()?;
        let key = SoftKey::from_pkcs8(kind, &pkcs8)?;
        Some(Self { key, pkcs8 })
    }
}
