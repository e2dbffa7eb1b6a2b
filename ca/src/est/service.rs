//! Labels and credentials at work: looked at by every request, changed by operators.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use jiff::Timestamp;
use zeroize::Zeroizing;

use muster_store::{Db, StoreError, WriteError};

use super::{
    CREDENTIALS_MAX, DEFAULT_LABEL, EstChangeError, EstCredential, EstLabel, FreshCredential, LABELS_MAX,
    NewEstCredential, attempts::Attempts, credential::SECRET_BYTES, sql, trust::Trust,
};
use crate::{
    Action, Ca, Decision, Entry,
    caller::{Caller, Grants, idevids},
};

/// Makes a name that nobody has and everybody can read out.
const USER_SUFFIX_BYTES: usize = 4;
/// Leaves room for the suffix in the name of a user.
const USER_PREFIX_BYTES_MAX: usize = 31;

/// All labels and credentials, in memory.
pub(crate) struct Est {
    book: RwLock<Book>,
    pub(super) attempts: Attempts,
    /// One change at a time: from looking at what there is to having changed it.
    pub(super) changing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
pub(super) struct Book {
    labels: BTreeMap<String, EstLabel>,
    /// Of those that have one.
    trust: HashMap<String, Arc<Trust>>,
    credentials: BTreeMap<String, EstCredential>,
    /// Whose secret this is the hash of.
    secrets: HashMap<[u8; 32], String>,
}

impl Est {
    pub(crate) async fn open(db: &Db, grants: &Grants) -> Result<Self, StoreError> {
        let mut book = Book::default();
        for (name, body) in sql::labels(db).await? {
            match serde_json::from_str::<EstLabel>(&body) {
                Ok(label) => book.put_label(label, grants),
                Err(error) => {
                    tracing::warn!(label = name, %error, "EST label cannot be read, so nobody has it")
                }
            }
        }
        for read in sql::credentials(db).await? {
            book.put_heard(read, grants);
        }
        Ok(Self {
            book: RwLock::new(book),
            attempts: Attempts::default(),
            changing: tokio::sync::Mutex::default(),
        })
    }

    pub(super) fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Book)) {
        change(&mut self.book.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Book {
    /// The default one is there, also when nobody made it.
    pub(super) fn label(&self, name: &str) -> Option<EstLabel> {
        let made = self.labels.get(name).cloned();
        made.or_else(|| (name == DEFAULT_LABEL).then(|| EstLabel::named(DEFAULT_LABEL)))
    }

    pub(super) fn credential(&self, user: &str) -> Option<&EstCredential> {
        self.credentials.get(user)
    }

    pub(super) fn by_secret(&self, secret_sha256: &[u8; 32]) -> Option<&EstCredential> {
        self.credential(self.secrets.get(secret_sha256)?)
    }

    pub(super) fn trust(&self, label: &str) -> Option<Arc<Trust>> {
        self.trust.get(label).cloned()
    }

    pub(super) fn put_label(&mut self, label: EstLabel, grants: &Grants) {
        self.remove_trust(&label.name, grants);
        match label.trusted() {
            Ok(None) => {}
            Ok(Some((trust, permit))) => {
                grants.put_own(idevids(&label.name), permit);
                self.trust.insert(label.name.clone(), Arc::new(trust));
            }
            Err(error) => {
                tracing::warn!(label = label.name, %error, "EST label's trust cannot be read, so it trusts nobody");
            }
        }
        self.labels.insert(label.name.clone(), label);
    }

    pub(super) fn has(&self, label: &EstLabel) -> bool {
        self.labels.get(&label.name) == Some(label)
    }

    /// With its credentials.
    pub(super) fn remove_label(&mut self, name: &str, grants: &Grants) {
        for credential in self.of_label(name) {
            self.remove_credential(&credential.user, grants);
        }
        self.remove_trust(name, grants);
        self.labels.remove(name);
    }

    fn remove_trust(&mut self, label: &str, grants: &Grants) {
        if self.trust.remove(label).is_some() {
            grants.remove_own(&idevids(label));
        }
    }

    pub(super) fn put_credential(&mut self, credential: EstCredential, grants: &Grants) {
        let label = self.label(&credential.label).unwrap_or_else(|| EstLabel::named(&credential.label));
        match credential.permit(&label) {
            Ok(permit) => grants.put_own(credential.credential().to_string(), permit),
            Err(error) => {
                tracing::warn!(user = credential.user, %error, "EST credential cannot be read, so it gives nothing");
            }
        }
        self.secrets.insert(credential.secret_sha256, credential.user.clone());
        self.credentials.insert(credential.user.clone(), credential);
    }

    pub(super) fn remove_credential(&mut self, user: &str, grants: &Grants) {
        if let Some(credential) = self.credentials.remove(user) {
            grants.remove_own(&credential.credential().to_string());
            self.secrets.remove(&credential.secret_sha256);
        }
    }

    pub(super) fn of_label(&self, label: &str) -> Vec<EstCredential> {
        self.credentials.values().filter(|credential| credential.label == label).cloned().collect()
    }
}

impl Ca {
    /// All labels, by name.
    pub fn est_labels(&self) -> Vec<EstLabel> {
        let book = self.est.book();
        let mut labels = book.labels.clone();
        if let Some(default) = book.label(DEFAULT_LABEL) {
            labels.insert(DEFAULT_LABEL.to_owned(), default);
        }
        labels.into_values().collect()
    }

    pub fn est_label(&self, name: &str) -> Option<EstLabel> {
        self.est.book().label(name)
    }

    /// A new label, or other settings for one; its credentials ask for what it gives from now on.
    pub async fn put_est_label(
        &self,
        label: EstLabel,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), EstChangeError> {
        let object = format!("est/label/{}", label.name);
        let put = self.try_put_label(label, caller, now).await;
        self.est_judged(object, put, caller, now).await
    }

    async fn try_put_label(
        &self,
        label: EstLabel,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), EstChangeError> {
        label.check()?;
        if let Some((trust, _)) = label.trusted()? {
            trust.check_dates(now)?;
        }
        let authority = label.authority_id().filter(|id| self.authority(id).is_some());
        authority.ok_or_else(|| EstChangeError::NoAuthority(label.authority.clone()))?;
        if self.profile(&label.profile).is_none() {
            return Err(EstChangeError::NoProfile(label.profile));
        }
        let _changing = self.est.changing.lock().await;
        self.check_room_for_label(&label.name)?;
        let entry = entry(caller, format!("est/label/{}", label.name)).because(label.summary());
        self.record(entry, None, vec![sql::put_label(&label, now)], now).await?;
        self.est.change(|book| {
            let theirs = book.of_label(&label.name);
            book.put_label(label, &self.issuance.grants);
            for credential in theirs {
                book.put_credential(credential, &self.issuance.grants);
            }
        });
        Ok(())
    }

    /// With its credentials. The default label is there again at once, as it was at first.
    pub async fn delete_est_label(
        &self,
        name: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), EstChangeError> {
        let deleted = self.try_delete_label(name, caller, now).await;
        self.est_judged(format!("est/label/{name}"), deleted, caller, now).await
    }

    async fn try_delete_label(
        &self,
        name: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), EstChangeError> {
        let _changing = self.est.changing.lock().await;
        let entry = entry(caller, format!("est/label/{name}")).because("removed, and its credentials");
        match self.record(entry, None, sql::delete_label(name), now).await {
            Ok(_) => {}
            Err(WriteError::Unmet { .. }) => return Err(EstChangeError::NoLabel(name.to_owned())),
            Err(error) => return Err(error.into()),
        }
        self.est.change(|book| book.remove_label(name, &self.issuance.grants));
        Ok(())
    }

    /// All credentials, or those of a label, by user; nobody can tell their secrets.
    pub fn est_credentials(&self, label: Option<&str>) -> Vec<EstCredential> {
        let book = self.est.book();
        let wanted = |credential: &&EstCredential| label.is_none_or(|label| credential.label == label);
        book.credentials.values().filter(wanted).cloned().collect()
    }

    /// How many certificates a credential that is good for so many has got.
    pub fn est_credential_used(&self, credential: &EstCredential) -> Option<u64> {
        let label = self.est_label(&credential.label)?;
        let permit = credential.permit(&label).ok()?;
        permit.grant.quota.total.map(|_| self.issuance.grants.used(&permit.grant.id))
    }

    /// A user with a random password, or a random token; this is the only time that it is told. Makes the label, with its
    /// defaults, when it is not there.
    pub async fn new_est_credential(
        &self,
        new: NewEstCredential,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<FreshCredential, EstChangeError> {
        let object = format!("est/credential/{}", new.user.as_deref().unwrap_or("new"));
        let made = self.try_new_credential(new, caller, now).await;
        self.est_judged(object, made, caller, now).await
    }

    async fn try_new_credential(
        &self,
        new: NewEstCredential,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<FreshCredential, EstChangeError> {
        let label = self.est_label(&new.label).unwrap_or_else(|| EstLabel::named(&new.label));
        label.check()?;
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        (self.entropy)(secret.as_mut_slice());
        let user = new.user.clone().unwrap_or_else(|| self.new_user(&label.name));
        // As the database has it.
        let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        let fresh = new.make(user, &secret, now)?;
        let credential = &fresh.credential;
        credential.permit(&label)?;
        let _changing = self.est.changing.lock().await;
        self.check_room_for_label(&label.name)?;
        if self.est.book().credentials.len() >= CREDENTIALS_MAX {
            return Err(EstChangeError::TooManyCredentials);
        }
        let reason = format!("for {} of {}", label.profile, label.authority);
        let entry = entry(caller, format!("est/credential/{}", credential.user)).because(reason);
        let unit = vec![sql::insert_credential(credential), sql::make_label(&label, now)];
        match self.record(entry, None, unit, now).await {
            Ok(_) => {}
            Err(WriteError::Unmet { .. }) => {
                return Err(EstChangeError::UserTaken(credential.user.clone()));
            }
            Err(error) => return Err(error.into()),
        }
        self.est.change(|book| {
            if book.label(&label.name).is_none() {
                book.put_label(label, &self.issuance.grants);
            }
            book.put_credential(credential.clone(), &self.issuance.grants);
        });
        Ok(fresh)
    }

    pub async fn delete_est_credential(
        &self,
        user: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), EstChangeError> {
        let deleted = self.try_delete_credential(user, caller, now).await;
        self.est_judged(format!("est/credential/{user}"), deleted, caller, now).await
    }

    async fn try_delete_credential(
        &self,
        user: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), EstChangeError> {
        let _changing = self.est.changing.lock().await;
        let entry = entry(caller, format!("est/credential/{user}")).because("removed");
        match self.record(entry, None, vec![sql::delete_credential(user)], now).await {
            Ok(_) => {}
            Err(WriteError::Unmet { .. }) => return Err(EstChangeError::NoCredential(user.to_owned())),
            Err(error) => return Err(error.into()),
        }
        self.est.change(|book| book.remove_credential(user, &self.issuance.grants));
        Ok(())
    }

    fn new_user(&self, label: &str) -> String {
        let mut suffix = [0; USER_SUFFIX_BYTES];
        (self.entropy)(&mut suffix);
        let prefix = label.get(..label.len().min(USER_PREFIX_BYTES_MAX)).unwrap_or_default();
        format!("{prefix}-{}", hex::encode(suffix))
    }

    fn check_room_for_label(&self, name: &str) -> Result<(), EstChangeError> {
        let book = self.est.book();
        if !book.labels.contains_key(name) && book.labels.len() >= LABELS_MAX {
            return Err(EstChangeError::TooManyLabels);
        }
        Ok(())
    }

    /// Records a refusal; what was allowed is recorded with what it changed.
    async fn est_judged<T>(
        &self,
        object: String,
        outcome: Result<T, EstChangeError>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<T, EstChangeError> {
        let refused = Entry::new(caller, Action::CredentialChange, object, Decision::Refused);
        let is_decision = |error: &EstChangeError| !matches!(error, EstChangeError::Record(_));
        self.or_refused(outcome, refused, is_decision, now).await
    }
}

fn entry(caller: &Caller, object: String) -> Entry {
    Entry::new(caller, Action::CredentialChange, object, Decision::Allowed)
}
