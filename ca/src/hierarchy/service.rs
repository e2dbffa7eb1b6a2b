//! Authorities made, activated, changed.

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use muster_store::Statement;
use muster_x509::Certificate;

use super::{Authority, AuthorityError, AuthorityId, ExpiryWarning, NewAuthority, Transition, Tree};
use crate::{Ca, caller::Caller};

impl Ca {
    /// All authorities, as they are now.
    pub fn tree(&self) -> Arc<Tree> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn authority(&self, id: &AuthorityId) -> Option<Arc<Authority>> {
        self.tree().find(id).cloned()
    }

    /// The authority's certificate, its parent's, and so on to the root.
    pub fn chain(&self, id: &AuthorityId) -> Vec<Certificate> {
        self.tree().chain(id)
    }

    /// A root with a key of its own.
    pub async fn create_root(
        &self,
        new: NewAuthority,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let _ = (caller, now);
        Err(AuthorityError::Exists(new.id))
    }

    /// An authority below one of ours.
    pub async fn create_intermediate(
        &self,
        parent: &AuthorityId,
        new: NewAuthority,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let _ = (parent, caller, now);
        Err(AuthorityError::Exists(new.id))
    }

    /// An authority that is to be signed elsewhere: answers its request, PEM; it stays pending until [`Self::activate`].
    pub async fn request_intermediate(
        &self,
        new: NewAuthority,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<String, AuthorityError> {
        let _ = (caller, now);
        Err(AuthorityError::Exists(new.id))
    }

    /// Takes the certificate that a pending authority got, with the chain above it up to its root, PEM.
    pub async fn activate(
        &self,
        id: &AuthorityId,
        chain_pem: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let _ = (chain_pem, caller, now);
        Err(AuthorityError::NotFound(id.clone()))
    }

    /// Trusts a root whose key is elsewhere.
    pub async fn import_root(
        &self,
        id: AuthorityId,
        pem: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let _ = (pem, caller, now);
        Err(AuthorityError::NotFound(id))
    }

    /// Another state for an authority. `with` happens in the same commit, or nothing does: its revocation, for one.
    pub(crate) async fn change_authority(
        &self,
        id: &AuthorityId,
        transition: Transition,
        with: Vec<Statement>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let _ = (with, caller, now);
        let authority = self.authority(id).ok_or_else(|| AuthorityError::NotFound(id.clone()))?;
        let changed = Authority::clone(&authority).change(transition)?;
        Ok(Arc::new(changed))
    }

    pub async fn retire_authority(
        &self,
        id: &AuthorityId,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        self.change_authority(id, Transition::Retire, Vec::new(), caller, now).await
    }

    /// Authorities that run out soon.
    pub fn expiry_warnings(&self, _now: Timestamp) -> Vec<ExpiryWarning> {
        Vec::new()
    }

    pub(crate) async fn tick_hierarchy(&self, _now: Timestamp) -> Option<Timestamp> {
        None
    }
}
