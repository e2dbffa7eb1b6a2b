//! Keys on disk: one sealed file a key, and the seal that opens them all.

use tracing::info;
use zeroize::Zeroizing;

use super::{
    KeyError, KeyKind, KeyName, KeyRef, SoftKey,
    passphrase::{self, FILE, NEXT_FILE, Passphrase},
    seal::{self, Broken},
    sealed::{DataKey, DoesNotOpen, Sealed},
};
use crate::{Entropy, PassphraseSource, folder::Folder};

const TITLE: &str = "muster sealed key 1";
const SEAL: &str = "seal";
const SUFFIX: &str = ".key";

pub(super) struct SealedFiles {
    /// `ca`, where a try-out keeps its passphrase.
    parent: Folder,
    /// `ca/keys`.
    folder: Folder,
    data_key: DataKey,
    entropy: Entropy,
}

impl SealedFiles {
    /// Opens the seal; makes it, and a passphrase when the choice is left to us, at the first start. Takes the time
    /// that deriving takes.
    pub(super) fn open(
        parent: Folder,
        folder: Folder,
        source: &PassphraseSource,
        entropy: Entropy,
    ) -> Result<Self, KeyError> {
        let locks = (parent.lock()?, folder.lock()?);
        let data_key = match folder.read(SEAL)? {
            Some(text) => open_seal(&text, &parent, &folder, source)?,
            None => make_seal(&parent, &folder, source, &entropy)?,
        };
        drop(locks);
        Ok(Self { parent, folder, data_key, entropy })
    }

    /// A new key, in its file before anything is signed with it.
    pub(super) fn make(&self, name: &KeyName, kind: KeyKind) -> Result<SoftKey, KeyError> {
        let key = SoftKey::generate(kind).map_err(|_| KeyError::Make)?;
        let pkcs8 = key.to_pkcs8().map_err(|_| KeyError::Make)?;
        let text = self.seal(name.as_str(), kind, &pkcs8)?;
        let _lock = self.folder.lock()?;
        if self.folder.has(&file_of(name)) {
            return Err(KeyError::Exists(KeyRef::file(name.clone())));
        }
        self.folder.write(&file_of(name), &text)?;
        Ok(key)
    }

    pub(super) fn load(&self, name: &KeyName) -> Result<Option<SoftKey>, KeyError> {
        let file = file_of(name);
        let Some(text) = self.folder.read(&file)? else { return Ok(None) };
        let damaged = |reason| KeyError::Damaged { path: self.folder.path_of(&file), reason };
        let (kind, pkcs8) = self.unseal(name.as_str(), &text).map_err(damaged)?;
        let key = SoftKey::from_pkcs8(kind, &pkcs8);
        key.ok_or_else(|| damaged("it is not a key of its kind")).map(Some)
    }

    pub(super) fn destroy(&self, name: &KeyName) -> Result<(), KeyError> {
        let _lock = self.folder.lock()?;
        if self.folder.has(&file_of(name)) {
            self.folder.remove(&file_of(name))?;
        }
        Ok(())
    }

    /// Seals the data key anew. Whoever has both an old copy of the folder and the old passphrase still has the keys.
    pub(super) fn change_passphrase(&self, source: &PassphraseSource) -> Result<(), KeyError> {
        let _locks = (self.parent.lock()?, self.folder.lock()?);
        let made_up = *source == PassphraseSource::Automatic && passphrase::credential().is_none();
        let next = if made_up {
            let next = Passphrase::random(&self.entropy);
            next.keep(&self.parent, NEXT_FILE)?;
            next
        } else {
            Passphrase::find(source, &self.parent)?.ok_or(KeyError::PassphraseMissing)?.strong()?
        };
        let text = seal::wrap(&self.data_key, &next, &self.entropy).map_err(|DoesNotOpen| KeyError::Make)?;
        self.folder.write(SEAL, &text)?;
        if made_up {
            self.parent.rename(NEXT_FILE, FILE)?;
        } else if self.parent.has(FILE) {
            // It opens nothing any more.
            self.parent.remove(FILE)?;
        }
        info!("the passphrase of the keys was changed");
        Ok(())
    }

    pub(super) fn seal(&self, name: &str, kind: KeyKind, pkcs8: &[u8]) -> Result<String, KeyError> {
        let fields = [("name", name.to_owned()), ("kind", kind.to_string())];
        self.data_key.seal(TITLE, &fields, pkcs8, &self.entropy).map_err(|DoesNotOpen| KeyError::Make)
    }

    /// What [`Self::seal`] made, under the same name.
    pub(super) fn unseal(
        &self,
        name: &str,
        text: &str,
    ) -> Result<(KeyKind, Zeroizing<Vec<u8>>), &'static str> {
        let sealed = Sealed::parse(text, TITLE).ok_or("it is not a sealed key")?;
        if sealed.field("name") != Some(name) {
            return Err("it is another key's file");
        }
        let kind = sealed.field("kind").and_then(|kind| KeyKind::parse(kind).ok());
        let kind = kind.ok_or("its kind is not known")?;
        let pkcs8 = self.data_key.open(sealed);
        let pkcs8 = pkcs8.map_err(|DoesNotOpen| "it was changed, or sealed by another installation")?;
        Ok((kind, pkcs8))
    }
}

fn make_seal(
    parent: &Folder,
    folder: &Folder,
    source: &PassphraseSource,
    entropy: &Entropy,
) -> Result<DataKey, KeyError> {
    if let Some(orphan) = folder.names()?.into_iter().find(|name| name.ends_with(SUFFIX)) {
        return Err(KeyError::SealMissing { path: folder.path_of(SEAL), key: folder.path_of(&orphan) });
    }
    let passphrase = match Passphrase::find(source, parent)? {
        Some(passphrase) => passphrase.strong()?,
        None => {
            let passphrase = Passphrase::random(entropy);
            passphrase.keep(parent, FILE)?;
            info!(path = %parent.path_of(FILE).display(), "made up a passphrase for the keys, good enough for a try-out");
            passphrase
        }
    };
    let data_key = DataKey::generate(entropy);
    let text = seal::wrap(&data_key, &passphrase, entropy).map_err(|DoesNotOpen| KeyError::Make)?;
    folder.write(SEAL, &text)?;
    Ok(data_key)
}

fn open_seal(
    text: &str,
    parent: &Folder,
    folder: &Folder,
    source: &PassphraseSource,
) -> Result<DataKey, KeyError> {
    let broken = |broken| match broken {
        Broken::DoesNotOpen => KeyError::WrongPassphrase { path: folder.path_of(SEAL) },
        Broken::Malformed => KeyError::Damaged { path: folder.path_of(SEAL), reason: "it is not a seal" },
    };
    let own = *source == PassphraseSource::Automatic && passphrase::credential().is_none();
    let next = if own { Passphrase::kept(parent, NEXT_FILE)? } else { None };
    // A change of the passphrase was cut short, after the seal was replaced …
    if let Some(data_key) = next.as_ref().and_then(|next| seal::unwrap(text, next).ok()) {
        parent.rename(NEXT_FILE, FILE)?;
        return Ok(data_key);
    }
    let passphrase = Passphrase::find(source, parent)?.ok_or(KeyError::PassphraseMissing)?;
    let data_key = seal::unwrap(text, &passphrase).map_err(broken)?;
    if next.is_some() {
        parent.remove(NEXT_FILE)?; // … or before.
    }
    Ok(data_key)
}

fn file_of(name: &KeyName) -> String {
    format!("{name}{SUFFIX}")
}
