//! Rights of a policy, spelled as Azure spells them (hub-service.md §1.3, dps.md §7.1); those of the certificate authority are ours.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    RegistryRead,
    RegistryWrite,
    ServiceConnect,
    DeviceConnect,
    ServiceConfig,
    EnrollmentRead,
    EnrollmentWrite,
    RegistrationStatusRead,
    RegistrationStatusWrite,
    CaRead,
    /// Certificates, as far as a grant of the authority goes.
    CaRequest,
    CaConfigure,
    CaRevoke,
}

use Right::*;

impl Right {
    /// In the order in which a set of them is written.
    pub const ALL: [Self; 13] = [
        RegistryRead,
        RegistryWrite,
        ServiceConnect,
        DeviceConnect,
        ServiceConfig,
        EnrollmentRead,
        EnrollmentWrite,
        RegistrationStatusRead,
        RegistrationStatusWrite,
        CaRead,
        CaRequest,
        CaConfigure,
        CaRevoke,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            RegistryRead => "RegistryRead",
            RegistryWrite => "RegistryWrite",
            ServiceConnect => "ServiceConnect",
            DeviceConnect => "DeviceConnect",
            ServiceConfig => "ServiceConfig",
            EnrollmentRead => "EnrollmentRead",
            EnrollmentWrite => "EnrollmentWrite",
            RegistrationStatusRead => "RegistrationStatusRead",
            RegistrationStatusWrite => "RegistrationStatusWrite",
            CaRead => "CaRead",
            CaRequest => "CaRequest",
            CaConfigure => "CaConfigure",
            CaRevoke => "CaRevoke",
        }
    }

    /// Who may write may read.
    fn implies(self) -> Option<Self> {
        match self {
            RegistryWrite => Some(RegistryRead),
            EnrollmentWrite => Some(EnrollmentRead),
            RegistrationStatusWrite => Some(RegistrationStatusRead),
            CaConfigure => Some(CaRead),
            RegistryRead
            | ServiceConnect
            | DeviceConnect
            | ServiceConfig
            | EnrollmentRead
            | RegistrationStatusRead
            | CaRead
            | CaRequest
            | CaRevoke => None,
        }
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of rights, as granted: what a right implies is asked by `allow`, not stored.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rights(u16);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a right, the rights are {}", Rights::of(&Right::ALL))]
pub struct UnknownRight {
    text: String,
}

impl Rights {
    pub fn of(rights: &[Right]) -> Self {
        Self(rights.iter().fold(0, |bits, right| bits | right.bit()))
    }

    /// Comma-joined, in any order and letter case: `RegistryRead, ServiceConnect`.
    pub fn parse(text: &str) -> Result<Self, UnknownRight> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words
            .map(|word| {
                let right = Right::ALL.into_iter().find(|right| right.as_str().eq_ignore_ascii_case(word));
                right.map(Right::bit).ok_or_else(|| UnknownRight { text: word.to_owned() })
            })
            .try_fold(0, |bits, bit| Ok(bits | bit?))
            .map(Self)
    }

    /// Granted itself, or implied by one that is.
    pub fn allow(self, wanted: Right) -> bool {
        self.iter().any(|granted| granted == wanted || granted.implies() == Some(wanted))
    }

    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.0 & right.bit() != 0)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.iter().map(Right::as_str).collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({self})")
    }
}

impl FromStr for Rights {
    type Err = UnknownRight;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Rights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
