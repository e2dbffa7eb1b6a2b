//! Private keys: made, sealed to disk or kept in a token, signed with. Nothing outside this folder sees their bytes; the
//! exceptions are a TLS listener's own key, and one that is made for a client and not kept.

mod client;
mod files;
mod kind;
mod listener;
mod passphrase;
mod public;
mod reference;
mod reseal;
mod seal;
mod sealed;
mod service;
mod signature;
mod software;
mod token;

use std::path::PathBuf;

use crate::folder::FolderError;

pub use kind::{KeyKind, UnknownKeyKind};
pub use passphrase::PassphraseError;
pub use reference::{KeyName, KeyPlace, KeyRef, KeyRefError};
pub use reseal::{PassphraseChange, PassphraseChangeError, PassphraseGiven, passphrase_opens};
pub use token::TokenError;

pub(crate) use client::ClientKey;
pub(crate) use listener::ListenerKey;
pub(crate) use public::PublicKey;
pub(crate) use service::Keys;
pub(crate) use signature::Signature;
pub(crate) use software::SoftKey;

/// Authorities and their responders are dozens; this many are a mistake that is stopped before memory is.
const KEYS_MAX: usize = 4096;
/// Who comes when so many wait for an RSA signature is told to come again.
const SIGNERS_WAITING_MAX: usize = 1024;
/// An RSA key for a client takes up to seconds of a core: one at a time, so that signing has the others, and a minute of
/// them at most.
const MAKERS_WAITING_MAX: usize = 32;

/// Why a key cannot be made, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot make a key: the random source of the operating system failed")]
    Make,
    #[error("private key in `{}` is damaged ({reason}): restore it from a backup", path.display())]
    Damaged { path: PathBuf, reason: &'static str },
    #[error(
        "passphrase does not open `{}`: give the one that the keys were sealed with (it is the file that was changed if the passphrase is right: then restore it from a backup)",
        path.display()
    )]
    WrongPassphrase { path: PathBuf },
    #[error(
        "passphrase of the keys is missing: restore `passphrase` beside the folder of the keys, or say in the settings where it is"
    )]
    PassphraseMissing,
    #[error(
        "`{}` is missing, but there is a key that was sealed with it, `{}`: restore both from the same backup",
        path.display(),
        key.display()
    )]
    SealMissing { path: PathBuf, key: PathBuf },
    #[error(
        "there is no `{}`, so nothing was sealed here yet: name the data folder of a server that was started",
        path.display()
    )]
    NothingSealed { path: PathBuf },
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    #[error("private key `{0}` is there already: choose another name")]
    Exists(KeyRef),
    #[error(
        "private key `{key}` is there already, of kind `{found}` instead of `{wanted}`: choose another name"
    )]
    OtherKind { key: KeyRef, found: KeyKind, wanted: KeyKind },
    #[error("there are {KEYS_MAX} private keys already: destroy those of no use")]
    TooMany,
    #[error(
        "there is no PKCS#11 token in the settings: name its module, label and PIN, or keep the key in a file"
    )]
    NoToken,
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Use(#[from] SignError),
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    #[error("private key `{0}` is not there: restore it from a backup, or bring its token back")]
    Missing(KeyRef),
    #[error("private key `{key}` did not sign: {reason}")]
    Failed { key: KeyRef, reason: String },
    #[error("too many signatures are asked for at once: try again in a moment")]
    Busy,
    #[error("the authority is closed")]
    Closed,
}

#[cfg(test)]
mod tests;
