//! The authorities: roots that clients trust, and those below them, each in a state of its life.

mod authority;
mod certify;
mod expiry;
mod files;
mod service;
pub(crate) mod shape;
mod tree;

use jiff::SignedDuration;

use muster_store::{StoreError, WriteError};

use crate::{
    issuance::IssueError,
    keys::{KeyError, KeyKind, KeyPlace, SignError},
};

pub use authority::{Authority, AuthorityId, AuthorityIdError, NoSuchTransition, State, Transition};
pub use certify::BuildError;
pub use expiry::{ExpiryWarning, Urgency};
pub use files::OpenError;
pub use tree::{Node, Tree};

pub(crate) use certify::issue;
pub(crate) use files::{Hierarchy, Pair};
pub(crate) use shape::Shape;

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
}

/// Why an authority was not made, activated or changed.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("authority `{0}` is not there: `muster ca tree` shows those that are")]
    NotFound(AuthorityId),
    #[error("authority `{0}` is there already: choose another id")]
    Exists(AuthorityId),
    #[error(transparent)]
    Transition(#[from] NoSuchTransition),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error("the authority is not recorded: {0}")]
    Write(#[from] WriteError),
    #[error("authorities cannot be read: {0}")]
    Read(#[from] StoreError),
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
        }
    }
}

#[cfg(test)]
mod tests;
