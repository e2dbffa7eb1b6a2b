//! Who answers for an authority: a key of its own with a short-lived certificate by the same authority (RFC 6960 section
//! 4.2.2.2), followed by another one long before it ends.

mod certificate;
mod service;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use jiff::{SignedDuration, Timestamp};

use muster_store::{StoreError, WriteError};
use muster_x509::Certificate;

use super::{issuers::responder_hash, sql};
use crate::{
    hierarchy::{AuthorityId, BuildError},
    issuance::IssueError,
    keys::{KeyError, KeyRef, KeyRefError, SignError},
};

/// Short, for clients are told not to ask whether it is revoked.
const LIFE: SignedDuration = SignedDuration::from_hours(24 * 14);
/// The next one is made while there is more left than this: before half of its life is over.
const RENEW_BELOW: SignedDuration = SignedDuration::from_hours(24 * 8);

/// All responders, by authority.
pub(crate) struct Responders {
    all: RwLock<HashMap<AuthorityId, Arc<Responder>>>,
    /// Where none could be made, and until when it is not tried again.
    failed: Mutex<HashMap<AuthorityId, Timestamp>>,
    making: tokio::sync::Mutex<()>,
}

pub(super) struct Responder {
    /// The how many-th of its authority.
    pub(super) number: u32,
    pub(super) key: KeyRef,
    pub(super) certificate: Certificate,
    /// How it is named in what it signs.
    pub(super) key_hash: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum ResponderReadError {
    #[error("OCSP responders cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("OCSP responder of authority `{authority}` is damaged in the database: restore it from a backup")]
    Damaged { authority: String },
}

/// Why an authority has no new responder; the one before stands, until it ends.
#[derive(Debug, thiserror::Error)]
enum ResponderError {
    #[error(transparent)]
    Name(#[from] KeyRefError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error("it is not recorded: {0}")]
    Record(#[from] WriteError),
}

impl Responder {
    pub(super) fn new(number: u32, key: KeyRef, certificate: Certificate) -> Self {
        Self { number, key, key_hash: responder_hash(&certificate), certificate }
    }

    pub(super) fn lasts(&self, now: Timestamp) -> bool {
        self.certificate.not_before() <= now && now <= self.certificate.not_after()
    }
}

impl Responders {
    fn of(responders: Vec<(AuthorityId, Responder)>) -> Self {
        let responders = responders.into_iter().map(|(id, responder)| (id, Arc::new(responder)));
        Self { all: RwLock::new(responders.collect()), failed: Mutex::default(), making: Default::default() }
    }

    pub(super) fn get(&self, authority: &AuthorityId) -> Option<Arc<Responder>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(authority).cloned()
    }

    fn failed_until(&self, authority: &AuthorityId) -> Option<Timestamp> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get(authority).copied()
    }

    fn fail_until(&self, authority: &AuthorityId, until: Timestamp) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).insert(authority.clone(), until);
    }

    /// Tells who was it before.
    fn put(&self, authority: &AuthorityId, responder: Responder) -> Option<Arc<Responder>> {
        let mut responders = self.all.write().unwrap_or_else(PoisonError::into_inner);
        responders.insert(authority.clone(), Arc::new(responder))
    }
}
