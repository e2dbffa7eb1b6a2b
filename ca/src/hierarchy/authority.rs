//! An authority, and the states of its life. Pure.

use std::fmt;

use jiff::Timestamp;

use muster_x509::Certificate;

use crate::keys::KeyRef;

const ID_BYTES_MAX: usize = 40;

/// Lower-case letters, digits and hyphens: it stands in URLs, file names and key names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AuthorityId(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "authority id `{0}` is not one: use lower-case letters, digits and hyphens, at most {ID_BYTES_MAX}, beginning with a letter"
)]
pub struct AuthorityIdError(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Its certificate is still to be signed, elsewhere or here.
    Pending,
    /// Signs certificates.
    Active,
    /// Signs nothing new, but says what of its own is revoked; can be made active again.
    Retiring,
    /// For good: only says what of its own is revoked.
    CrlOnly,
    /// For good: trusted with nothing.
    Revoked,
}

/// What is asked of an authority's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    Retire,
    Reactivate,
    CrlOnly,
    Revoke,
}

/// What [`crate::Ca::retire_authority`] may be asked for: all but revoking, which has consequences elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retirement {
    Retire,
    Reactivate,
    CrlOnly,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    pub id: AuthorityId,
    /// None for a root.
    pub parent: Option<AuthorityId>,
    pub state: State,
    /// None while pending.
    pub certificate: Option<Certificate>,
    /// None for a certificate that is only trusted: its key is elsewhere.
    pub key: Option<KeyRef>,
    /// How many certificates it has had; they all have the same name and key.
    pub generation: u32,
    /// Fixed at creation: certificates name their shard.
    pub crl_shards: u16,
    /// How many authorities may stand between it and a device's certificate; none for a root, which does not say.
    pub path_len: Option<u8>,
    pub renewal: Renewal,
    /// The request (PKCS#10, DER) that somebody else is to sign, or has signed.
    pub request: Option<Vec<u8>>,
    pub created: Timestamp,
}

/// Who sees to it that an authority has a certificate that lasts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Renewal {
    /// Its parent here signs another one in time, for the same name and key.
    Automatic,
    #[default]
    ByHand,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("authority `{id}` is {from}, so it cannot be made {to}")]
pub struct NoSuchTransition {
    pub id: AuthorityId,
    pub from: State,
    pub to: State,
}

impl From<Retirement> for Transition {
    fn from(asked: Retirement) -> Self {
        match asked {
            Retirement::Retire => Self::Retire,
            Retirement::Reactivate => Self::Reactivate,
            Retirement::CrlOnly => Self::CrlOnly,
        }
    }
}

impl AuthorityId {
    pub fn parse(text: &str) -> Result<Self, AuthorityIdError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=ID_BYTES_MAX).contains(&text.len())
            && text.bytes().all(plain)
            && text.starts_with(|first: char| first.is_ascii_lowercase());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(AuthorityIdError(text.chars().take(ID_BYTES_MAX).collect()))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The root made at the first start.
    pub fn root() -> Self {
        Self("root".to_owned())
    }

    /// The issuing authority made at the first start: what certificates come from unless another one is named.
    pub fn issuing() -> Self {
        Self("issuing".to_owned())
    }
}

impl State {
    pub const ALL: [Self; 5] = [Self::Pending, Self::Active, Self::Retiring, Self::CrlOnly, Self::Revoked];

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::CrlOnly => "crl-only",
            Self::Revoked => "revoked",
        }
    }

    /// Whether it may sign certificates of others.
    pub fn issues(self) -> bool {
        self == Self::Active
    }

    /// Whether it says what is revoked: CRLs, and certificates of OCSP responders for that.
    pub fn tells_status(self) -> bool {
        match self {
            Self::Active | Self::Retiring | Self::CrlOnly => true,
            Self::Pending | Self::Revoked => false,
        }
    }
}

impl Renewal {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::ByHand => "by-hand",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Automatic, Self::ByHand].into_iter().find(|renewal| renewal.as_str() == text)
    }
}

impl Authority {
    /// The key to sign certificates with; none when it may not, or cannot here.
    pub fn issuing_key(&self) -> Option<&KeyRef> {
        self.key.as_ref().filter(|_| self.state.issues())
    }

    /// The key to sign CRLs and responders' certificates with; none when it may not, or cannot here.
    pub fn status_key(&self) -> Option<&KeyRef> {
        self.key.as_ref().filter(|_| self.state.tells_status())
    }

    /// In which of its CRLs a certificate would be found.
    pub fn shard_of(&self, serial: &[u8]) -> u16 {
        // Serials are random, so that their last bytes spread evenly.
        let last = serial.iter().rev().take(2).rev().fold(0_u16, |sum, byte| sum << 8 | u16::from(*byte));
        last % self.crl_shards.max(1)
    }

    /// A pending authority with the certificate that it was given, below the one that gave it.
    pub(super) fn activate(
        self,
        parent: Option<AuthorityId>,
        certificate: Certificate,
    ) -> Result<Self, NoSuchTransition> {
        match self.state {
            State::Pending => Ok(Self {
                parent,
                state: State::Active,
                certificate: Some(certificate),
                generation: 1,
                ..self
            }),
            from @ (State::Active | State::Retiring | State::CrlOnly | State::Revoked) => {
                Err(NoSuchTransition { id: self.id, from, to: State::Active })
            }
        }
    }

    /// An active authority with a certificate that lasts longer, of the same name and key.
    pub(super) fn renew(self, certificate: Certificate) -> Result<Self, NoSuchTransition> {
        match self.state {
            State::Active => Ok(Self {
                certificate: Some(certificate),
                generation: self.generation.saturating_add(1),
                ..self
            }),
            from @ (State::Pending | State::Retiring | State::CrlOnly | State::Revoked) => {
                Err(NoSuchTransition { id: self.id, from, to: State::Active })
            }
        }
    }

    /// The same authority in its next state.
    pub fn change(self, transition: Transition) -> Result<Self, NoSuchTransition> {
        let to = match transition {
            Transition::Retire => State::Retiring,
            Transition::Reactivate => State::Active,
            Transition::CrlOnly => State::CrlOnly,
            Transition::Revoke => State::Revoked,
        };
        let allowed = match (self.state, transition) {
            (State::Active, Transition::Retire | Transition::CrlOnly)
            | (State::Retiring, Transition::Reactivate | Transition::CrlOnly)
            | (State::Pending | State::Active | State::Retiring | State::CrlOnly, Transition::Revoke) => true,
            (State::Pending | State::Active | State::CrlOnly, Transition::Reactivate)
            | (State::Pending | State::Retiring | State::CrlOnly, Transition::Retire)
            | (State::Pending | State::CrlOnly, Transition::CrlOnly)
            | (State::Revoked, _) => false,
        };
        if allowed {
            Ok(Self { state: to, ..self })
        } else {
            Err(NoSuchTransition { id: self.id, from: self.state, to })
        }
    }
}

impl fmt::Display for AuthorityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
