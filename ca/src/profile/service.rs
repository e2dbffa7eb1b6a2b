//! Profiles at work: found at every request, followed by new versions.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;

use muster_store::{Db, StoreError, WriteError};
use muster_x509::Csr;

use super::{Profile, ProfileError, ProfileId, attribute::shown, default_holder, shelf::Shelf, sql};
use crate::{Action, Ca, Decision, Entry, Holder, SubjectFacts, caller::Caller};

/// Kinds of devices, each of some dozens of customers.
const PROFILES_MAX: usize = 500;
/// All of them are in memory.
const VERSIONS_MAX: u32 = 1000;

/// All profiles, in memory.
pub(crate) struct Profiles {
    shelf: RwLock<Arc<Shelf>>,
    /// One change at a time: a version is the one after the last.
    changing: tokio::sync::Mutex<()>,
}

/// Why a profile was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ProfileChangeError {
    #[error(transparent)]
    Malformed(#[from] ProfileError),
    #[error("profile is called `{found}` in its text and `{asked}` in the request: let both be the same")]
    OtherName { asked: String, found: String },
    #[error("profile `{0}` is not there: `muster ca profile list` shows those that are")]
    NotFound(String),
    #[error(
        "there are {PROFILES_MAX} profiles already: a new version of one that is of no use takes no more room"
    )]
    TooMany,
    #[error("profile `{0}` has {VERSIONS_MAX} versions already: give it another name")]
    TooManyVersions(String),
    #[error("profile `{0}` was changed at the same time: look at it, then try again")]
    Conflict(String),
    #[error("the profile is not recorded: {0}")]
    Record(#[from] WriteError),
}

impl Profiles {
    pub(crate) async fn open(db: &Db) -> Result<Self, StoreError> {
        let shelf = RwLock::new(Arc::new(Self::read(db).await?));
        Ok(Self { shelf, changing: tokio::sync::Mutex::default() })
    }

    /// As other nodes have them.
    pub(crate) async fn reload(&self, db: &Db) -> Result<(), StoreError> {
        let _changing = self.changing.lock().await;
        let read = Self::read(db).await?;
        self.change(|shelf| *shelf = read);
        Ok(())
    }

    async fn read(db: &Db) -> Result<Shelf, StoreError> {
        let mut shelf = Shelf::default();
        match Profile::built_in() {
            Ok(profiles) => profiles.into_iter().for_each(|profile| shelf.push(profile)),
            Err(error) => {
                tracing::error!(%error, "built-in profiles cannot be read: report this as a defect")
            }
        }
        for (name, version, source) in sql::all(db).await? {
            if source.is_empty() {
                shelf.retire(&name);
                continue;
            }
            match Profile::parse(&source, version) {
                Ok(profile) => shelf.push(profile),
                Err(error) => {
                    tracing::warn!(profile = name, version, %error, "profile cannot be read, so nobody gets it");
                    shelf.push_unreadable(&name);
                }
            }
        }
        Ok(shelf)
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Profile>> {
        self.shelf().find(name)
    }

    fn shelf(&self) -> Arc<Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Shelf)) {
        let mut shelf = self.shelf.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Shelf::clone(&shelf);
        change(&mut changed);
        *shelf = Arc::new(changed);
    }
}

impl Ca {
    /// The latest versions of all profiles, by name.
    pub fn profiles(&self) -> Vec<Arc<Profile>> {
        self.issuance.profiles.shelf().latest()
    }

    /// `device` is its latest version, `device@3` that one.
    pub fn profile(&self, name: &str) -> Option<Arc<Profile>> {
        self.issuance.profiles.find(name)
    }

    /// Whose a certificate of this profile is when nobody says so: a device is known by its common name, or by its serial
    /// number. Authorities are nobody's.
    pub(crate) fn holder_by_name(&self, profile: &str, subject: &SubjectFacts, csr: &Csr) -> Option<Holder> {
        let common_name = subject.common_name.as_deref().or_else(|| csr.common_name());
        let name = common_name.or(subject.serial_number.as_deref())?;
        (!self.profile(profile)?.is_of_authorities()).then(|| self.holder(&default_holder(name)))
    }

    /// A new profile, or the next version of one. `name` is what the request calls it, and the text must, too.
    pub async fn put_profile(
        &self,
        name: &str,
        source: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<ProfileId, ProfileChangeError> {
        let put = self.try_put_profile(name, source, caller, now).await;
        self.profile_judged(name, put, caller, now).await
    }

    /// No more certificates by that profile; a new version brings it back.
    pub async fn retire_profile(
        &self,
        name: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), ProfileChangeError> {
        let retired = self.try_retire_profile(name, caller, now).await;
        self.profile_judged(name, retired, caller, now).await
    }

    async fn try_put_profile(
        &self,
        name: &str,
        source: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<ProfileId, ProfileChangeError> {
        let profiles = &self.issuance.profiles;
        let _changing = profiles.changing.lock().await;
        let shelf = profiles.shelf();
        let version = shelf.next_version(name);
        let profile = Profile::parse(source, version)?;
        if profile.id.name != name {
            return Err(ProfileChangeError::OtherName { asked: shown(name), found: profile.id.name });
        }
        if !shelf.has(name) && shelf.names() >= PROFILES_MAX {
            return Err(ProfileChangeError::TooMany);
        }
        if version > VERSIONS_MAX {
            return Err(ProfileChangeError::TooManyVersions(name.to_owned()));
        }
        let id = profile.id.clone();
        self.record_profile(&id, source, caller, now).await?;
        profiles.change(|shelf| shelf.push(profile));
        Ok(id)
    }

    async fn try_retire_profile(
        &self,
        name: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), ProfileChangeError> {
        let profiles = &self.issuance.profiles;
        let _changing = profiles.changing.lock().await;
        let shelf = profiles.shelf();
        if shelf.find(name).is_none() || name.contains('@') {
            return Err(ProfileChangeError::NotFound(shown(name)));
        }
        let id = ProfileId { name: name.to_owned(), version: shelf.next_version(name) };
        self.record_profile(&id, "", caller, now).await?;
        profiles.change(|shelf| shelf.retire(name));
        Ok(())
    }

    async fn record_profile(
        &self,
        id: &ProfileId,
        source: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), ProfileChangeError> {
        let mut entry = Entry::new(caller, Action::ProfileChange, format!("profile/{id}"), Decision::Allowed);
        if source.is_empty() {
            entry = entry.because("retired");
        }
        let unit = vec![sql::insert(&id.name, id.version, source, now)];
        match self.record(entry, None, unit, now).await {
            Ok(_) => Ok(()),
            // That version is there: another process was first.
            Err(WriteError::Refused { .. } | WriteError::Unmet { .. }) => {
                Err(ProfileChangeError::Conflict(id.name.clone()))
            }
            Err(error @ (WriteError::Failed(_) | WriteError::Uncertain(_) | WriteError::Closed)) => {
                Err(error.into())
            }
        }
    }

    async fn profile_judged<T>(
        &self,
        name: &str,
        outcome: Result<T, ProfileChangeError>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<T, ProfileChangeError> {
        if let Err(error) = &outcome
            && !matches!(error, ProfileChangeError::Record(_))
        {
            let entry = Entry::new(
                caller,
                Action::ProfileChange,
                format!("profile/{}", shown(name)),
                Decision::Refused,
            );
            if let Err(unrecorded) = self.audit(entry.because(error.to_string()), now).await {
                tracing::error!(error = %unrecorded, "a refusal is not recorded");
            }
        }
        outcome
    }
}
