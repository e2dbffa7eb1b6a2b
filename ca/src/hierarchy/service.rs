//! Authorities looked up and changed: one change at a time, each recorded with who asked.

use std::sync::Arc;

use jiff::Timestamp;

use muster_store::Statement;
use muster_x509::Certificate;

use super::{
    Authority, AuthorityError, AuthorityId, BuildError, ExpiryWarning, NewAuthority, Retirement, Transition,
    Tree, allowed, sql,
};
use crate::{
    Action, Ca, Caller, Decision, Entry,
    keys::{KeyName, KeyRef},
};

impl Ca {
    /// All authorities, as they are now.
    pub fn tree(&self) -> Arc<Tree> {
        self.hierarchy.tree()
    }

    pub fn authority(&self, id: &AuthorityId) -> Option<Arc<Authority>> {
        self.tree().find(id).cloned()
    }

    /// The authority's certificate, its parent's, and so on to the root.
    pub fn chain(&self, id: &AuthorityId) -> Vec<Certificate> {
        self.tree().chain(id)
    }

    /// Nothing new from an authority, for good or until it is made active again.
    pub async fn retire_authority(
        &self,
        id: &AuthorityId,
        asked: Retirement,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let changed = self.change_authority(id, asked.into(), "", Vec::new(), caller, now).await;
        self.judged(Action::AuthorityChange, id, changed, caller, now).await
    }

    /// Another state for an authority, `because` of what, if there is more to say. `with` happens in the same commit, or
    /// nothing does: its revocation, for one. A refusal is the caller's to record.
    pub(crate) async fn change_authority(
        &self,
        id: &AuthorityId,
        transition: Transition,
        because: &str,
        with: Vec<Statement>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let _changing = self.hierarchy.changing.lock().await;
        let was = self.authority(id).ok_or_else(|| AuthorityError::NotFound(id.clone()))?;
        let changed = Authority::clone(&was).change(transition)?;
        let action = match transition {
            Transition::Revoke => Action::AuthorityRevoke,
            Transition::Retire | Transition::Reactivate | Transition::CrlOnly => Action::AuthorityChange,
        };
        let mut reason = format!("{} to {}", was.state, changed.state);
        if !because.is_empty() {
            reason = format!("{reason}; {because}");
        }
        let entry = allowed(caller, action, id).because(reason);
        let mut unit = vec![sql::update(&was, &changed, now)];
        unit.extend(with);
        self.record(entry, None, unit, now).await?;
        Ok(self.put(changed, now))
    }

    /// Authorities that run out soon.
    pub fn expiry_warnings(&self, now: Timestamp) -> Vec<ExpiryWarning> {
        self.tree().iter().filter_map(|authority| super::expiry::warning(authority, now)).collect()
    }

    /// The key for a new authority: of a name that follows from its own, so that a start that was cut short finds it.
    pub(super) async fn key_for(&self, new: &NewAuthority) -> Result<KeyRef, AuthorityError> {
        let name = KeyName::parse(&format!("authority.{}", new.id));
        let name = name.map_err(|error| BuildError::Build(error.to_string()))?;
        Ok(self.keys.provide(new.key, name, new.place).await?)
    }

    pub(super) fn put(&self, authority: Authority, now: Timestamp) -> Arc<Authority> {
        let id = authority.id.clone();
        self.hierarchy.put([authority.clone()]);
        self.crls.look(now);
        self.authority(&id).unwrap_or_else(|| Arc::new(authority))
    }

    /// Records a refusal; what was allowed is recorded with what it changed.
    pub(super) async fn judged<T>(
        &self,
        action: Action,
        id: &AuthorityId,
        outcome: Result<T, AuthorityError>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<T, AuthorityError> {
        if let Err(error) = &outcome {
            let entry = Entry::new(caller, action, id.as_str(), Decision::Refused).because(error.to_string());
            self.audit(entry, now).await?;
        }
        outcome
    }

    /// The same for what lets an authority sign from now on: whoever gets a certificate may ask for its status the next moment.
    pub(super) async fn judged_signer(
        &self,
        action: Action,
        id: &AuthorityId,
        outcome: Result<Arc<Authority>, AuthorityError>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let signer = self.judged(action, id, outcome, caller, now).await?;
        self.tick_responders(now).await;
        Ok(signer)
    }
}
