//! Kinds of keys, and the one way each signs.

use std::fmt;

use x509_cert::{
    der::{Any, Encode},
    spki::{AlgorithmIdentifierOwned, ObjectIdentifier},
};

const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum KeyKind {
    #[default]
    P256,
    P384,
    Ed25519,
    /// For devices that know nothing else.
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key kind `{0}` is not known: use p256, p384, ed25519, rsa2048, rsa3072 or rsa4096")]
pub struct UnknownKeyKind(String);

impl KeyKind {
    pub const ALL: [Self; 6] =
        [Self::P256, Self::P384, Self::Ed25519, Self::Rsa2048, Self::Rsa3072, Self::Rsa4096];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::Ed25519 => "ed25519",
            Self::Rsa2048 => "rsa2048",
            Self::Rsa3072 => "rsa3072",
            Self::Rsa4096 => "rsa4096",
        }
    }

    pub fn parse(text: &str) -> Result<Self, UnknownKeyKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownKeyKind(text.chars().take(32).collect()))
    }

    pub(super) fn is_rsa(self) -> bool {
        match self {
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => true,
            Self::P256 | Self::P384 | Self::Ed25519 => false,
        }
    }

    /// Parameters are absent but for RSA, where they are NULL (RFC 5758 section 3.2, RFC 8410 section 3, RFC 4055 section 5).
    pub(super) fn signature_algorithm(self) -> AlgorithmIdentifierOwned {
        let (oid, parameters) = match self {
            Self::P256 => (ECDSA_WITH_SHA256, None),
            Self::P384 => (ECDSA_WITH_SHA384, None),
            Self::Ed25519 => (ED25519, None),
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => (RSA_WITH_SHA256, Some(Any::null())),
        };
        AlgorithmIdentifierOwned { oid, parameters }
    }

    pub(super) fn signature_algorithm_der(self) -> Vec<u8> {
        // Fixed contents: there is nothing in them that could fail to encode.
        self.signature_algorithm().to_der().unwrap_or_default()
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
