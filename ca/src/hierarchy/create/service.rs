//! Roots and intermediates made here, and certified again.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use x509_cert::name::Name;

use muster_x509::Certificate;

use super::plan::{self, Parent};
use crate::{
    Action, Ca, Caller,
    hierarchy::{
        Authority, AuthorityError, AuthorityId, NewAuthority, ROOT_CRL_SHARDS, allowed, certify,
        shape::{Shape, Validity},
        sql, subject,
    },
    issuance::Signing,
};

impl Ca {
    /// A root with a key of its own.
    pub async fn create_root(
        &self,
        new: NewAuthority,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let id = new.id.clone();
        let made = self.make_root(new, caller, now).await;
        self.judged_signer(Action::AuthorityCreate, &id, made, caller, now).await
    }

    /// An authority below one of ours.
    pub async fn create_intermediate(
        &self,
        parent: &AuthorityId,
        new: NewAuthority,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let id = new.id.clone();
        let made = self.make_intermediate(parent, new, caller, now).await;
        self.judged_signer(Action::AuthorityCreate, &id, made, caller, now).await
    }

    /// Another certificate for an authority below one of ours: same name, same key, the same life from now.
    pub async fn renew_authority(
        &self,
        id: &AuthorityId,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let renewed = self.sign_again(id, caller, now).await;
        self.judged(Action::AuthorityRenew, id, renewed, caller, now).await
    }

    pub(in crate::hierarchy) async fn make_root(
        &self,
        new: NewAuthority,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let _changing = self.hierarchy.changing.lock().await;
        plan::check(&new, &self.tree())?;
        let key = self.key_for(&new).await?;
        let public = self.keys.public(&key)?;
        let shape = Shape::Root { subject: subject::subject(&new, &public)? };
        let validity = Validity::of(new.life.unwrap_or(shape.life()), now, None);
        let serial = certify::fresh_serial(&self.entropy);
        let tbs = certify::certificate(shape, &public, &public, serial, validity)?;
        let mut root = Authority {
            crl_shards: new.crl_shards.unwrap_or(ROOT_CRL_SHARDS),
            ..plan::authority(&new, None, key.clone(), now)
        };
        let signing = Signing { authority: &root, key: &key, profile: "root" };
        root.certificate = Some(self.sign_recorded(&signing, tbs, caller, now).await?);
        self.keep_new(root, caller, now).await
    }

    pub(in crate::hierarchy) async fn make_intermediate(
        &self,
        parent: &AuthorityId,
        new: NewAuthority,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let _changing = self.hierarchy.changing.lock().await;
        let tree = self.tree();
        plan::check(&new, &tree)?;
        let parent = Parent::find(&tree, parent, now)?;
        let path_len = parent.path_len(new.path_len)?;
        let key = self.key_for(&new).await?;
        let subject = subject::subject(&new, &self.keys.public(&key)?)?;
        let made = Authority {
            path_len: Some(path_len),
            ..plan::authority(&new, Some(parent.authority.id.clone()), key, now)
        };
        let certificate = self.sign_below(&parent, &made, subject, new.life, caller, now).await?;
        self.keep_new(Authority { certificate: Some(certificate), ..made }, caller, now).await
    }

    async fn sign_again(
        &self,
        id: &AuthorityId,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let _changing = self.hierarchy.changing.lock().await;
        let tree = self.tree();
        let was = tree.find(id).ok_or_else(|| AuthorityError::NotFound(id.clone()))?;
        if !was.state.issues() {
            return Err(AuthorityError::NotActive { id: id.clone(), state: was.state });
        }
        let (Some(parent), Some(current)) = (&was.parent, &was.certificate) else {
            return Err(AuthorityError::IsRoot(id.clone()));
        };
        let parent = Parent::find(&tree, parent, now)?;
        let life = plan::validity(current).life();
        let subject = subject::subject_of(current)?;
        let certificate = self.sign_below(&parent, was, subject, Some(life), caller, now).await?;
        let renewed = Authority::clone(was).renew(certificate)?;
        let entry = allowed(caller, Action::AuthorityRenew, id);
        self.record(entry, None, vec![sql::update(was, &renewed, now)], now).await?;
        Ok(self.put(renewed, now))
    }

    async fn sign_below(
        &self,
        parent: &Parent<'_>,
        child: &Authority,
        subject: Name,
        life: Option<SignedDuration>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Certificate, AuthorityError> {
        let key = child.key.as_ref().ok_or_else(|| AuthorityError::KeyElsewhere(child.id.clone()))?;
        let serial = certify::fresh_serial(&self.entropy);
        let path_len = child.path_len.unwrap_or(0);
        let shape = parent.shape(subject, path_len, self.settings.base_url.as_ref(), &serial)?;
        let validity = Validity::of(life.unwrap_or(shape.life()), now, Some(parent.validity()));
        let (own, issuer) = (self.keys.public(key)?, self.keys.public(parent.key)?);
        let tbs = certify::certificate(shape, &own, &issuer, serial, validity)?;
        let signing = Signing { authority: parent.authority, key: parent.key, profile: "sub-ca" };
        Ok(self.sign_recorded(&signing, tbs, caller, now).await?)
    }

    async fn keep_new(
        &self,
        made: Authority,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let mut entry = allowed(caller, Action::AuthorityCreate, &made.id);
        if let Some(certificate) = &made.certificate {
            tracing::info!(authority = %made.id, subject = certificate.subject(), serial = certificate.serial_hex(), not_after = %certificate.not_after(), "authority made");
            entry = entry.because(format!("`{}`", certificate.subject()));
        }
        self.record(entry, None, vec![sql::insert(&made, now)], now).await?;
        Ok(self.put(made, now))
    }
}
