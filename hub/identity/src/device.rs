//! The hub's ids: of a device, of a module on it, of one life of either (hub-device.md §1.3, hub-service.md §2.3).

use std::{borrow::Borrow, sync::Arc};

use jiff::Timestamp;

use crate::{
    IdError, RegistrationId,
    parsed::{Alphabet, parsed},
};

const PUNCTUATION: &str = "-:.+%_#*?!(),=@;$'";
const ALLOWED: &str = "ASCII letters, digits and - : . + % _ # * ? ! ( ) , = @ ; $ '";
const ID_CHARACTERS_MAX: usize = 128; // Azure's, and part of several formats' length budgets (SAS tokens, topics)

/// Compared exactly: `Pump` and `pump` are two devices.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(Arc<str>);

impl DeviceId {
    pub fn parse(text: &str) -> Result<Self, IdError> {
        const ALPHABET: Alphabet = Alphabet {
            what: "device id",
            max: ID_CHARACTERS_MAX,
            punctuation: PUNCTUATION,
            allowed: ALLOWED,
        };
        ALPHABET.check(text).map(|()| Self(text.into()))
    }
}

/// A device provisioned without another name is called as it registered: that alphabet is a part of this one.
impl From<&RegistrationId> for DeviceId {
    fn from(registration_id: &RegistrationId) -> Self {
        Self(registration_id.to_arc())
    }
}

/// Compared exactly; unique on its device only. `$edgeAgent` and `$edgeHub` are the hub's own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(Arc<str>);

impl ModuleId {
    pub fn parse(text: &str) -> Result<Self, IdError> {
        const ALPHABET: Alphabet = Alphabet {
            what: "module id",
            max: ID_CHARACTERS_MAX,
            punctuation: PUNCTUATION,
            allowed: ALLOWED,
        };
        ALPHABET.check(text).map(|()| Self(text.into()))
    }
}

/// One life of an identity: a device deleted and created again has another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GenerationId(Arc<str>);

impl GenerationId {
    pub fn parse(text: &str) -> Result<Self, IdError> {
        const ALPHABET: Alphabet = Alphabet {
            what: "generation id",
            max: ID_CHARACTERS_MAX,
            punctuation: "-._:",
            allowed: "ASCII letters, digits and - . _ :",
        };
        ALPHABET.check(text).map(|()| Self(text.into()))
    }

    /// As the original makes them: 100 ns since year 1 (.NET ticks) at the instant of creation.
    pub fn minted_at(now: Timestamp) -> Self {
        const TICKS_AT_1970: i128 = 621_355_968_000_000_000;
        Self((TICKS_AT_1970 + now.as_nanosecond() / 100).to_string().into())
    }
}

parsed!(DeviceId);
parsed!(ModuleId);
parsed!(GenerationId);

// So that maps keyed by an id can be asked with the text from the wire. Equal texts are equal ids, which this requires.
impl Borrow<str> for DeviceId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ModuleId {
    fn borrow(&self) -> &str {
        &self.0
    }
}
