//! Keys on disk: one sealed file a key, and the seal that opens them all.

use tracing::info;
use zeroize::Zeroizing;

use super::{
    KeyError, KeyKind, KeyName, KeyRef, SoftKey,
    passphrase::{self, FILE, NEXT_FILE, Passphrase},
    reseal::PassphraseGiven,
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

/// A passphrase that may seal.
pub(super) enum Next {
    /// To be kept beside the keys.
    MadeUp(Passphrase),
    /// Kept by whoever gave it.
    Given(Passphrase),
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
            Some(text) => open_seal(&text, &parent, &folder, &PassphraseGiven::At(source.clone()))?,
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

    /// Opens what was sealed before, and makes nothing.
    pub(super) fn reopen(
        parent: Folder,
        folder: Folder,
        given: &PassphraseGiven,
        entropy: Entropy,
    ) -> Result<Self, KeyError> {
        let locks = (parent.lock()?, folder.lock()?);
        let text =
            folder.read(SEAL)?.ok_or_else(|| KeyError::NothingSealed { path: folder.path_of(SEAL) })?;
        let data_key = open_seal(&text, &parent, &folder, given)?;
        drop(locks);
        Ok(Self { parent, folder, data_key, entropy })
    }

    /// What the keys may be sealed under from now on.
    pub(super) fn next(&self, given: &PassphraseGiven) -> Result<Next, KeyError> {
        if is_own(given) {
            return Ok(Next::MadeUp(Passphrase::random(&self.entropy)));
        }
        let next = Passphrase::given(given, &self.parent)?.ok_or(KeyError::PassphraseMissing)?;
        Ok(Next::Given(next.strong()?))
    }

    /// Seals the data key anew. Whoever has both an old copy of the folder and the old passphrase still has the keys.
    pub(super) fn reseal(&self, next: &Next) -> Result<(), KeyError> {
        let _locks = (self.parent.lock()?, self.folder.lock()?);
        let (Next::MadeUp(passphrase) | Next::Given(passphrase)) = next;
        let text =
            seal::wrap(&self.data_key, passphrase, &self.entropy).map_err(|DoesNotOpen| KeyError::Make)?;
        match next {
            Next::MadeUp(passphrase) => {
                passphrase.keep(&self.parent, NEXT_FILE)?;
                self.folder.write(SEAL, &text)?;
                self.parent.rename(NEXT_FILE, FILE)?;
            }
            Next::Given(_) => {
                self.folder.write(SEAL, &text)?;
                let kept = Passphrase::kept(&self.parent, FILE)?;
                if kept.is_some_and(|kept| seal::unwrap(&text, &kept).is_err()) {
                    self.parent.remove(FILE)?; // it opens nothing any more
                }
            }
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
    given: &PassphraseGiven,
) -> Result<DataKey, KeyError> {
    let broken = |broken| match broken {
        Broken::DoesNotOpen => KeyError::WrongPassphrase { path: folder.path_of(SEAL) },
        Broken::Malformed => KeyError::Damaged { path: folder.path_of(SEAL), reason: "it is not a seal" },
    };
    let next = if is_own(given) { Passphrase::kept(parent, NEXT_FILE)? } else { None };
    // A change of the passphrase was cut short, after the seal was replaced …
    if let Some(data_key) = next.as_ref().and_then(|next| seal::unwrap(text, next).ok()) {
        parent.rename(NEXT_FILE, FILE)?;
        return Ok(data_key);
    }
    let passphrase = Passphrase::given(given, parent)?.ok_or(KeyError::PassphraseMissing)?;
    let data_key = seal::unwrap(text, &passphrase).map_err(broken)?;
    if next.is_some() {
        parent.remove(NEXT_FILE)?; // … or before.
    }
    Ok(data_key)
}

/// Whether a passphrase source opens the seal as it is now; looks, and changes nothing.
pub(super) fn opens(parent: &Folder, folder: &Folder, source: &PassphraseSource) -> Result<bool, KeyError> {
    let (Some(text), Some(passphrase)) = (folder.read(SEAL)?, Passphrase::find(source, parent)?) else {
        return Ok(false);
    };
    Ok(seal::unwrap(&text, &passphrase).is_ok())
}

/// Whether the one that is kept beside the keys is meant.
fn is_own(given: &PassphraseGiven) -> bool {
    *given == PassphraseGiven::At(PassphraseSource::Automatic) && passphrase::credential().is_none()
}

fn file_of(name: &KeyName) -> String {
    format!("{name}{SUFFIX}")
}
