//! Requests for authorities that are signed elsewhere, their certificates, and roots that are trusted.

use std::sync::Arc;

use jiff::Timestamp;

use muster_store::Statement;
use muster_x509::{Csr, issued_by, read_certificates};

use super::{
    external::{external, externals, request_pem, with_known_root},
    requirements::{self, Asked},
};
use crate::{
    Action, Ca, Caller,
    hierarchy::{
        Authority, AuthorityError, AuthorityId, BuildError, NewAuthority, State, allowed, certify,
        create::plan, sql, subject,
    },
    keys::KeyKind,
};

/// Of an authority that is signed elsewhere: as Azure has it, room for one more below.
const REQUESTED_PATH_LEN: u8 = 1;

impl Ca {
    /// An authority that is to be signed elsewhere: answers its request, PEM; it stays pending until [`Self::activate`].
    pub async fn request_intermediate(
        &self,
        new: NewAuthority,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<String, AuthorityError> {
        let id = new.id.clone();
        let made = self.make_request(new, caller, now).await;
        self.judged(Action::AuthorityRequest, &id, made, caller, now).await
    }

    /// Takes the certificate that a pending authority got, with the chain above it up to its root, PEM. The root may be
    /// left out when it was imported before.
    pub async fn activate(
        &self,
        id: &AuthorityId,
        chain_pem: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let activated = self.bring(id, chain_pem, caller, now).await;
        self.judged_signer(Action::AuthorityActivate, id, activated, caller, now).await
    }

    /// Trusts a root whose key is elsewhere.
    pub async fn import_root(
        &self,
        id: AuthorityId,
        pem: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let imported = self.trust(&id, pem, caller, now).await;
        self.judged(Action::TrustImport, &id, imported, caller, now).await
    }

    /// The request of an authority that waits for its certificate, PEM.
    pub fn pending_request(&self, id: &AuthorityId) -> Result<String, AuthorityError> {
        let authority = self.authority(id).ok_or_else(|| AuthorityError::NotFound(id.clone()))?;
        let Some(request) = authority.request.as_deref().filter(|_| authority.state == State::Pending) else {
            return Err(AuthorityError::NotPending { id: id.clone(), state: authority.state });
        };
        request_pem(request).map_err(|error| BuildError::Build(error.to_string()).into())
    }

    async fn make_request(
        &self,
        new: NewAuthority,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<String, AuthorityError> {
        let _changing = self.hierarchy.changing.lock().await;
        plan::check(&new, &self.tree())?;
        match new.key {
            KeyKind::P256 | KeyKind::P384 => {}
            KeyKind::Ed25519 | KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => {
                return Err(AuthorityError::RequestKind(new.key));
            }
        }
        let key = self.key_for(&new).await?;
        let public = self.keys.public(&key)?;
        let path_len = new.path_len.unwrap_or(REQUESTED_PATH_LEN);
        let info = certify::request(subject::subject(&new, &public)?, &public, path_len)?;
        let request = self.keys.sign(&key, &info).await?.wrap(&info);
        let made = Authority {
            state: State::Pending,
            path_len: Some(path_len),
            generation: 0,
            request: Some(request.clone()),
            ..plan::authority(&new, None, key, now)
        };
        let statement = sql::insert(&made, now);
        self.record(allowed(caller, Action::AuthorityRequest, &new.id), None, vec![statement], now).await?;
        self.put(made, now);
        request_pem(&request).map_err(|error| BuildError::Build(error.to_string()).into())
    }

    async fn bring(
        &self,
        id: &AuthorityId,
        chain_pem: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let _changing = self.hierarchy.changing.lock().await;
        let tree = self.tree();
        let was = tree.find(id).ok_or_else(|| AuthorityError::NotFound(id.clone()))?;
        let Some(request) = was.request.as_deref().filter(|_| was.state == State::Pending) else {
            return Err(AuthorityError::NotPending { id: id.clone(), state: was.state });
        };
        let request = Csr::parse(request).map_err(|error| BuildError::Build(error.to_string()))?;
        let chain = with_known_root(&tree, read_certificates(chain_pem)?);
        let asked = Asked {
            subject_der: request.subject_der(),
            spki_der: request.spki_der(),
            path_len: was.path_len.unwrap_or(REQUESTED_PATH_LEN),
        };
        requirements::check(&asked, &chain, now)?;
        let [own, ..] = chain.as_slice() else { return Err(AuthorityError::NotFound(id.clone())) };
        let (externals, parent) = externals(&tree, &chain, now);
        let activated = Authority::clone(was).activate(parent, own.clone())?;
        let mut unit: Vec<Statement> = externals.iter().map(|external| sql::insert(external, now)).collect();
        unit.push(sql::update(was, &activated, now));
        let entry =
            allowed(caller, Action::AuthorityActivate, id).because(format!("signed by `{}`", own.issuer()));
        self.record(entry, None, unit, now).await?;
        self.hierarchy.put(externals);
        Ok(self.put(activated, now))
    }

    async fn trust(
        &self,
        id: &AuthorityId,
        pem: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Authority>, AuthorityError> {
        let _changing = self.hierarchy.changing.lock().await;
        let tree = self.tree();
        plan::check(&NewAuthority::new(id.clone()), &tree)?;
        let certificates = read_certificates(pem)?;
        let [root] = certificates.as_slice() else {
            return Err(AuthorityError::NotOneRoot { count: certificates.len() });
        };
        let subject = root.subject().to_owned();
        if !root.is_ca() || !issued_by(root, root) {
            return Err(AuthorityError::NotARoot { subject });
        }
        if root.not_after() < now {
            return Err(AuthorityError::RootExpired { subject, not_after: root.not_after() });
        }
        if let Some(known) = tree.by_certificate(root) {
            return Err(AuthorityError::AlreadyThere { subject, id: known.id.clone() });
        }
        let imported = external(id.clone(), None, root, now);
        let entry = allowed(caller, Action::TrustImport, id).because(format!("`{subject}`"));
        self.record(entry, None, vec![sql::insert(&imported, now)], now).await?;
        Ok(self.put(imported, now))
    }
}
