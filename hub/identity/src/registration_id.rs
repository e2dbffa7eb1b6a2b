//! The name under which a device registers with the provisioning service (dps.md §0).

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use crate::{
    IdError,
    parsed::{Alphabet, parsed},
};

const ALPHABET: Alphabet = Alphabet {
    what: "registration id",
    max: 128, // Azure's; with X.509 the common name stops at 64 anyway
    punctuation: "-._:",
    allowed: "ASCII letters, digits and - . _ :",
};

/// Keeps the letters as given, for display and for key derivation; compares without regard to case.
#[derive(Clone)]
pub struct RegistrationId(Arc<str>);

impl RegistrationId {
    pub fn parse(text: &str) -> Result<Self, IdError> {
        ALPHABET.check(text)?;
        match text.chars().next_back() {
            Some(character @ ('.' | '_' | ':')) => {
                Err(IdError::End { what: ALPHABET.what, character, allowed: "a letter, a digit or -" })
            }
            _ => Ok(Self(text.into())),
        }
    }

    /// In lower case: the form to store as a key and to hash.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

parsed!(RegistrationId);

impl PartialEq for RegistrationId {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for RegistrationId {}

impl Hash for RegistrationId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
    }
}
