//! Thumbprints: the SHA-1 or SHA-256 of a certificate's DER, written in hexadecimal.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Certificate;

const SHA1_BYTES: usize = 20;
const SHA256_BYTES: usize = 32;

/// Compared as bytes, so the case of the hexadecimal does not matter; shown in upper case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint(Box<[u8]>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThumbprintError {
    #[error(
        "thumbprint has {characters} characters: give the 40 (SHA-1) or 64 (SHA-256) hexadecimal digits without separators"
    )]
    Length { characters: usize },
    #[error(
        "thumbprint has `{character}`, which is not a hexadecimal digit: give the 40 (SHA-1) or 64 (SHA-256) hexadecimal digits without separators"
    )]
    Digit { character: char },
}

impl Thumbprint {
    pub fn parse(text: &str) -> Result<Self, ThumbprintError> {
        if let Some(character) = text.chars().find(|character| !character.is_ascii_hexdigit()) {
            return Err(ThumbprintError::Digit { character });
        }
        match hex::decode(text) {
            Ok(bytes) if bytes.len() == SHA1_BYTES || bytes.len() == SHA256_BYTES => Ok(Self(bytes.into())),
            Ok(_) | Err(_) => Err(ThumbprintError::Length { characters: text.len() }),
        }
    }

    /// Whether this is the thumbprint of that certificate, by the hash that its length names.
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        match self.0.len() {
            SHA1_BYTES => *self == certificate.sha1(),
            _ => *self == certificate.sha256(),
        }
    }

    pub(crate) fn of_digest(digest: &[u8]) -> Self {
        Self(digest.into())
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode_upper(&self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

impl FromStr for Thumbprint {
    type Err = ThumbprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Thumbprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Thumbprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Thumbprint;
    use crate::{read_certificates, workshop::VERSION_1};

    const SHA1: &str = "7c5f4e965c488dcb89e457a077995b8bfe1bdc9b";
    const SHA256: &str = "38b024e32f6c0db95173baa3e3915cac9be81ed550715fdf3ba4c86e51477063";

    #[test]
    fn case_does_not_matter_and_upper_case_is_shown() {
        for lower in [SHA1, SHA256] {
            let upper = lower.to_uppercase();
            assert_eq!(Thumbprint::parse(lower), Thumbprint::parse(&upper));
            assert_eq!(Thumbprint::parse(lower).unwrap().to_string(), upper);
            let json = serde_json::to_string(&Thumbprint::parse(lower).unwrap()).unwrap();
            assert_eq!(json, format!("\"{upper}\""));
            assert_eq!(serde_json::from_str::<Thumbprint>(&json).unwrap().to_string(), upper);
        }
    }

    #[test]
    fn a_certificate_is_known_by_either_hash() {
        let certificate = &read_certificates(VERSION_1).unwrap()[0];
        assert!(Thumbprint::parse(SHA1).unwrap().is_of(certificate));
        assert!(Thumbprint::parse(SHA256).unwrap().is_of(certificate));
        assert!(!Thumbprint::parse(&"0".repeat(40)).unwrap().is_of(certificate));
        assert!(!Thumbprint::parse(&"0".repeat(64)).unwrap().is_of(certificate));
    }

    #[test]
    fn other_text_is_refused_with_what_is_wrong() {
        let said = |text: &str| Thumbprint::parse(text).unwrap_err().to_string();
        assert!(said("").starts_with("thumbprint has 0 characters: give the 40 (SHA-1) or 64 (SHA-256)"));
        assert!(said(&SHA1[1..]).starts_with("thumbprint has 39 characters"));
        assert!(said(&SHA256[2..]).starts_with("thumbprint has 62 characters"));
        assert!(said("7C:5F").starts_with("thumbprint has `:`, which is not a hexadecimal digit"));
    }
}
