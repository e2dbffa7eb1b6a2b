//! The passphrase that seals the keys, from where the settings say it is.

use std::{
    env, fmt, fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::reseal::PassphraseGiven;
use crate::{
    Entropy, PassphraseSource,
    folder::{Folder, FolderError},
};

/// Where the first start of a try-out leaves what it made up.
pub(super) const FILE: &str = "passphrase";
/// The next one, while a change is under way.
pub(super) const NEXT_FILE: &str = "passphrase.next";
/// systemd's `LoadCredential=muster-ca-passphrase:/etc/…`.
const CREDENTIAL: &str = "muster-ca-passphrase";
const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
/// A new passphrase that is shorter is guessed in spite of Argon2.
const CHARS_MIN: usize = 12;
/// Nobody means a larger file.
const BYTES_MAX: u64 = 1024;
/// Of one that is made up: as strong as the key it gives.
const RANDOM_BYTES: usize = 32;

pub(super) struct Passphrase(Zeroizing<String>);

#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    #[error("cannot read the passphrase from `{path}` ({source}): name a file that is there and readable")]
    File { path: PathBuf, source: io::Error },
    #[error("passphrase in {place} is not one line of text of at most {BYTES_MAX} bytes: write it again")]
    NotText { place: String },
    #[error("passphrase in {place} is empty: write one")]
    Empty { place: String },
    #[error("environment variable `{0}` is not set, and the passphrase is to come from there: set it")]
    Environment(String),
    #[error("passphrase of {chars} characters is too short to seal keys with: use at least {CHARS_MIN}")]
    TooShort { chars: usize },
    #[error(transparent)]
    Folder(#[from] FolderError),
}

impl Passphrase {
    /// What `source` says, or none when it leaves the choice and nothing was chosen yet.
    pub(super) fn find(source: &PassphraseSource, folder: &Folder) -> Result<Option<Self>, PassphraseError> {
        match source {
            PassphraseSource::File(path) => Self::read(path).map(Some),
            PassphraseSource::Environment(name) => {
                let value = env::var(name).map(Zeroizing::new);
                let value = value.map_err(|_| PassphraseError::Environment(name.clone()))?;
                Self::parse(&value, || format!("environment variable `{name}`")).map(Some)
            }
            PassphraseSource::Automatic => match credential() {
                Some(path) => Self::read(&path).map(Some),
                None => Self::kept(folder, FILE),
            },
        }
    }

    /// What somebody gave, or what is where they say.
    pub(super) fn given(given: &PassphraseGiven, folder: &Folder) -> Result<Option<Self>, PassphraseError> {
        match given {
            PassphraseGiven::At(source) => Self::find(source, folder),
            PassphraseGiven::Typed(text) => Self::parse(text, || "what was typed".to_owned()).map(Some),
        }
    }

    /// One of those that a try-out keeps beside the keys.
    pub(super) fn kept(folder: &Folder, name: &str) -> Result<Option<Self>, PassphraseError> {
        let Some(text) = folder.read(name)? else { return Ok(None) };
        Self::parse(&text, || format!("`{}`", folder.path_of(name).display())).map(Some)
    }

    /// Made up, for a try-out.
    pub(super) fn random(entropy: &Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
        entropy(bytes.as_mut_slice());
        Self(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(bytes.as_slice())))
    }

    pub(super) fn keep(&self, folder: &Folder, name: &str) -> Result<(), FolderError> {
        let line = Zeroizing::new(format!("{}\n", *self.0));
        folder.write(name, &line)
    }

    /// Whether it may seal something new; what is sealed already is opened by any.
    pub(super) fn strong(self) -> Result<Self, PassphraseError> {
        let chars = self.0.chars().count();
        if chars < CHARS_MIN { Err(PassphraseError::TooShort { chars }) } else { Ok(self) }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn read(path: &Path) -> Result<Self, PassphraseError> {
        let failed = |source| PassphraseError::File { path: path.to_owned(), source };
        let file = fs::File::open(path).map_err(failed)?;
        let mut text = Zeroizing::new(String::with_capacity(usize::try_from(BYTES_MAX).unwrap_or(0) + 2));
        let place = || format!("`{}`", path.display());
        match file.take(BYTES_MAX + 1).read_to_string(&mut text) {
            Ok(_) => Self::parse(&text, place),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(PassphraseError::NotText { place: place() })
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Editors end a file with a line break that nobody means.
    fn parse(text: &str, place: impl Fn() -> String) -> Result<Self, PassphraseError> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Err(PassphraseError::Empty { place: place() });
        }
        if line.len() as u64 > BYTES_MAX || line.contains(char::is_control) {
            return Err(PassphraseError::NotText { place: place() });
        }
        Ok(Self(Zeroizing::new(line.to_owned())))
    }
}

/// The file of the systemd credential, when systemd gave one.
pub(super) fn credential() -> Option<PathBuf> {
    let path = Path::new(&env::var_os(CREDENTIALS_DIRECTORY)?).join(CREDENTIAL);
    path.is_file().then_some(path)
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(redacted)")
    }
}
