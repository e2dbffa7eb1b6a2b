//! Another passphrase for the keys: the seal is made anew, beside a server that runs or while none does.
//!
//! A server that runs has the keys open and goes on; its next start needs the new passphrase. What is replaced is one small
//! file, whole: killed at any point, either the old passphrase opens the keys or the new one does.

mod service;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use muster_store::WriteError;
use zeroize::Zeroizing;

use super::{KeyError, files};
use crate::{PassphraseSource, folder::Folder, log::ReadError};

/// A passphrase, or where it is.
#[derive(Clone, PartialEq, Eq)]
pub enum PassphraseGiven {
    At(PassphraseSource),
    Typed(Zeroizing<String>),
}

/// What is to be changed.
#[derive(Debug, Clone)]
pub struct PassphraseChange {
    /// The data folder.
    pub dir: PathBuf,
    pub old: PassphraseGiven,
    /// [`PassphraseSource::Automatic`] without a systemd credential: a random one, kept beside the keys.
    pub new: PassphraseGiven,
}

/// Why the passphrase was not changed, or not recorded to be.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseChangeError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the audit log cannot be read, so the passphrase stays: {0}")]
    Log(#[from] ReadError),
    #[error("the change cannot be recorded, so the passphrase stays: {0}")]
    Record(#[from] WriteError),
}

/// Whether a start with this source opens the keys of a data folder, as they are sealed now. Takes the time of deriving a
/// key, a twentieth of a second.
pub fn passphrase_opens(dir: &Path, source: &PassphraseSource) -> Result<bool, KeyError> {
    let (parent, keys) = folders(dir)?;
    files::opens(&parent, &keys, source)
}

fn folders(dir: &Path) -> Result<(Folder, Folder), KeyError> {
    let path = dir.join("ca").join("keys");
    if !path.is_dir() {
        return Err(KeyError::NothingSealed { path });
    }
    Ok((Folder::open(dir.join("ca"))?, Folder::open(path)?))
}

/// As the audit log has it.
impl fmt::Display for PassphraseGiven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(PassphraseSource::Automatic) => {
                f.write_str("systemd's credential, else `ca/passphrase` of the data folder")
            }
            Self::At(PassphraseSource::File(path)) => write!(f, "file `{}`", path.display()),
            Self::At(PassphraseSource::Environment(name)) => write!(f, "environment variable `{name}`"),
            Self::Typed(_) => f.write_str("typed"),
        }
    }
}

impl fmt::Debug for PassphraseGiven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PassphraseGiven({self})")
    }
}
