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
    pub created: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("authority `{id}` is {from}, so it cannot be made {to}")]
pub struct NoSuchTransition {
    pub id: AuthorityId,
    pub from: State,
    pub to: State,
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

impl Authority {
    /// The same authority in its next state.
    pub fn change(self, transition: Transition) -> Result<Self, NoSuchTransition> {
        let to = match transition {
            Transition::Retire => State::Retiring,
            Transition::Reactivate => State::Active,
            Transition::CrlOnly => State::CrlOnly,
            Transition::Revoke => State::Revoked,
        };
        let allowed = match (self.state, transition) {
            (State::Active, Transition::Retire | Transition::CrlOnly | Transition::Revoke)
            | (State::Retiring, Transition::Reactivate | Transition::CrlOnly | Transition::Revoke)
            | (State::CrlOnly | State::Pending, Transition::Revoke) => true,
            (State::Active | State::CrlOnly | State::Pending, Transition::Reactivate)
            | (State::Pending | State::CrlOnly | State::Retiring, Transition::Retire)
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
