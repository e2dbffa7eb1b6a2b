//! Names of hosts and hubs: lower case, because DNS does not tell cases apart and neither does a folder everywhere.

use std::{borrow::Borrow, sync::Arc};

use crate::{
    IdError,
    parsed::{Alphabet, parsed},
};

const LABEL_CHARACTERS_MAX: usize = 63; // RFC 1035 §2.3.4

/// A DNS name or an IPv4 address, without a port: SDKs refuse one (hub-service.md §1.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(Arc<str>);

impl HostName {
    pub fn parse(text: &str) -> Result<Self, IdError> {
        const ALPHABET: Alphabet = Alphabet {
            what: "host name",
            max: 253, // RFC 1035 §2.3.4, in text form
            punctuation: "-._",
            allowed: "ASCII letters, digits and - . _, without scheme and port",
        };
        ALPHABET.check(text)?;
        if text.split('.').any(|label| label.is_empty() || label.len() > LABEL_CHARACTERS_MAX) {
            return Err(IdError::Label { what: ALPHABET.what });
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// What SDKs call the hub's name: the part before the first dot.
    pub fn first_label(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }
}

/// A hub's short name, as in the configuration and in the data directory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HubName(Arc<str>);

impl HubName {
    pub fn parse(text: &str) -> Result<Self, IdError> {
        const ALPHABET: Alphabet = Alphabet {
            what: "hub name",
            max: 50, // Azure's
            punctuation: "-",
            allowed: "ASCII letters, digits and -",
        };
        ALPHABET.check(text).map(|()| Self(text.to_ascii_lowercase().into()))
    }
}

parsed!(HostName);
parsed!(HubName);

impl Borrow<str> for HostName {
    fn borrow(&self) -> &str {
        &self.0
    }
}
