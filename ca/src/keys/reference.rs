//! What a key is called: enough to find it again, nothing to use it with.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stands for itself in a PKCS#11 URI.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longer ones are no key names of ours, nor labels that tokens take.
pub(super) const NAME_BYTES_MAX: usize = 64;

/// `file:<name>`, or `pkcs11:token=<label>;object=<label>` (RFC 7512).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyRef(Place);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    File(KeyName),
    Token { token: String, object: KeyName },
}

/// Letters, digits, hyphens and dots: a file name and a token's label alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(String);

/// Where a new key is to be made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyPlace {
    /// In the sealed files of the data folder.
    #[default]
    File,
    /// In the PKCS#11 token of the settings.
    Token,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefError {
    #[error(
        "key name `{0}` is not one: use lower-case letters, digits, hyphens and dots, at most {NAME_BYTES_MAX}"
    )]
    Name(String),
    #[error("key reference `{0}` is not one: write `file:<name>` or `pkcs11:token=<label>;object=<label>`")]
    Reference(String),
}

impl KeyRef {
    pub fn parse(text: &str) -> Result<Self, KeyRefError> {
        let refused = || KeyRefError::Reference(text.chars().take(NAME_BYTES_MAX).collect());
        if let Some(name) = text.strip_prefix("file:") {
            return Ok(Self(Place::File(KeyName::parse(name)?)));
        }
        let path = text.strip_prefix("pkcs11:token=").ok_or_else(refused)?;
        let (token, object) = path.split_once(";object=").ok_or_else(refused)?;
        let token = percent_decode_str(token).decode_utf8().map_err(|_| refused())?.into_owned();
        Ok(Self(Place::Token { token, object: KeyName::parse(object)? }))
    }

    pub fn is_in_token(&self) -> bool {
        match self.0 {
            Place::File(_) => false,
            Place::Token { .. } => true,
        }
    }

    pub(super) fn file(name: KeyName) -> Self {
        Self(Place::File(name))
    }

    pub(super) fn token(token: &str, object: KeyName) -> Self {
        Self(Place::Token { token: token.to_owned(), object })
    }

    pub(super) fn place(&self) -> &Place {
        &self.0
    }
}

impl KeyName {
    pub fn parse(text: &str) -> Result<Self, KeyRefError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
        let fits = (1..=NAME_BYTES_MAX).contains(&text.len())
            && text.bytes().all(plain)
            && !text.starts_with(['-', '.']);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyRefError::Name(text.chars().take(NAME_BYTES_MAX).collect()))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::File(name) => write!(f, "file:{}", name.0),
            Place::Token { token, object } => {
                write!(f, "pkcs11:token={};object={}", utf8_percent_encode(token, ENCODED), object.0)
            }
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
