//! What is promised about private keys.

mod passphrase;
mod sealed;
mod token;

use std::path::Path;

use super::{KeyError, KeyKind, KeyName, Keys};
use crate::{PassphraseSource, Settings, workshop::entropy};

async fn open(dir: &Path, passphrase: PassphraseSource) -> Result<Keys, KeyError> {
    Keys::open(&Settings { passphrase, ..Settings::new(dir) }, entropy()).await
}

async fn refusal(dir: &Path, passphrase: PassphraseSource) -> String {
    match open(dir, passphrase).await {
        Ok(_) => panic!("it opened"),
        Err(error) => error.to_string(),
    }
}

fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

/// What openssl is to hash with.
fn digest(kind: KeyKind) -> Option<&'static str> {
    match kind {
        KeyKind::P384 => Some("sha384"),
        KeyKind::Ed25519 => None,
        KeyKind::P256 | KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => Some("sha256"),
    }
}
