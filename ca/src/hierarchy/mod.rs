//! The authorities: roots that clients trust, and those below them, each in a state of its life.

mod authority;
mod bring;
pub(crate) mod certify;
mod create;
mod expiry;
pub(crate) mod key_identifier;
mod refusal;
mod service;
pub(crate) mod shape;
mod sql;
mod start;
pub(crate) mod subject;
mod tree;

use jiff::SignedDuration;

use crate::{
    Action, Caller, Decision, Entry,
    keys::{KeyKind, KeyPlace},
};

pub use authority::{
    Authority, AuthorityId, AuthorityIdError, NoSuchTransition, Renewal, Retirement, State, Transition,
};
pub use bring::Unfit;
pub use certify::BuildError;
pub use expiry::{ExpiryWarning, Urgency};
pub use refusal::{AuthorityError, OpenError};

pub use subject::NameError as AuthorityNameError;
pub use tree::{Node, Tree};

pub(crate) use tree::Hierarchy;

/// A site has a few, a group of factories some dozens; each is looked at by every tick.
const AUTHORITIES_MAX: usize = 256;
/// A CRL of its own for every shard: more are only files.
const CRL_SHARDS_MAX: u16 = 1024;
/// A root revokes authorities only.
const ROOT_CRL_SHARDS: u16 = 1;
/// 45 bytes a revoked certificate: a million and a half of them before one CRL is over 1 MB.
const CRL_SHARDS: u16 = 64;

/// A new authority; what is none gets its default.
#[derive(Debug, Clone)]
pub struct NewAuthority {
    pub id: AuthorityId,
    /// The subject's common name; else made of the id and the key's fingerprint, which no other installation has.
    pub common_name: Option<String>,
    pub organization: Option<String>,
    pub key: KeyKind,
    pub place: KeyPlace,
    pub life: Option<SignedDuration>,
    /// How many authorities may stand between it and a device's certificate.
    pub path_len: Option<u8>,
    pub crl_shards: Option<u16>,
    pub renewal: Renewal,
}

impl NewAuthority {
    pub fn new(id: AuthorityId) -> Self {
        Self {
            id,
            common_name: None,
            organization: None,
            key: KeyKind::default(),
            place: KeyPlace::default(),
            life: None,
            path_len: None,
            crl_shards: None,
            renewal: Renewal::default(),
        }
    }
}

fn allowed(caller: &Caller, action: Action, id: &AuthorityId) -> Entry {
    Entry::new(caller, action, id.as_str(), Decision::Allowed)
}

#[cfg(test)]
mod tests;
