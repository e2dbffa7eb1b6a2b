//! Grants at work: asked at every request, changed by operators.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use jiff::Timestamp;

use muster_store::{Db, StoreError, WriteError};

use super::{
    Caller, Credential, Grant, GrantError, NotGranted, Quota, Rate,
    grant::Permit,
    quota::{Quotas, Reserved},
    rate::Rates,
    sql,
};
use crate::{Action, Ca, Decision, Entry, hierarchy::AuthorityId};

/// Lines, sites, partners: each request looks at all of them.
const GRANTS_MAX: usize = 1000;

/// A device that registers has a reason to once in a while; one that does it all the time is out of order.
const REGISTRATION_RATE: Rate = Rate { per_minute: 6, burst: 30 };

/// All grants, in memory, with what was given by them.
pub(crate) struct Grants {
    permits: RwLock<Arc<Vec<Permit>>>,
    /// What credentials were made with, by credential: as many as there are, so nobody looks through them.
    own: RwLock<HashMap<String, Arc<Permit>>>,
    quotas: Quotas,
    rates: Mutex<Rates>,
}

/// Why a grant was not changed.
#[derive(Debug, thiserror::Error)]
pub enum GrantChangeError {
    #[error(transparent)]
    Malformed(#[from] GrantError),
    #[error("there are {GRANTS_MAX} grants already: remove those of no use")]
    TooMany,
    #[error("grant `{0}` is not there: `muster ca grant list` shows those that are")]
    NotFound(String),
    #[error("the grant is not recorded: {0}")]
    Record(#[from] WriteError),
}

impl Grants {
    pub(crate) async fn open(db: &Db, now: Timestamp) -> Result<Self, StoreError> {
        let permits = Self::read(db).await?;
        let quotas = Quotas::default();
        for (grant, used) in sql::used(db, now).await? {
            quotas.put(grant, used);
        }
        let permits = RwLock::new(Arc::new(permits));
        Ok(Self { permits, own: RwLock::default(), quotas, rates: Mutex::default() })
    }

    /// As other nodes have them.
    pub(crate) async fn reload(&self, db: &Db) -> Result<(), StoreError> {
        loop {
            let seen = self.permits();
            let read = Self::read(db).await?;
            let mut permits = self.permits.write().unwrap_or_else(PoisonError::into_inner);
            // What was changed here meanwhile may be newer than what was read.
            if Arc::ptr_eq(&seen, &permits) {
                *permits = Arc::new(read);
                return Ok(());
            }
        }
    }

    async fn read(db: &Db) -> Result<Vec<Permit>, StoreError> {
        let mut permits = Vec::new();
        for (id, body) in sql::all(db).await? {
            let grant = serde_json::from_str::<Grant>(&body).map_err(|error| error.to_string());
            match grant.and_then(|grant| Permit::read(grant).map_err(|error| error.to_string())) {
                Ok(permit) => permits.push(permit),
                Err(error) => tracing::warn!(grant = id, error, "grant cannot be read, so nobody has it"),
            }
        }
        Ok(permits)
    }

    /// Admits the request by one of the caller's grants, and reserves a certificate of its quota, if it has one. The
    /// server itself needs none. Nor does a device that attested, for its own name: its enrollment, which says by which
    /// authority and profile, is the grant.
    pub(crate) fn admit(
        &self,
        caller: &Caller,
        authority: &AuthorityId,
        profile: &str,
        names: &[String],
        now: Timestamp,
    ) -> Result<Option<Reserved>, NotGranted> {
        match &caller.credential {
            Credential::Process => return Ok(None),
            Credential::Registration(id) if names.iter().all(|name| name.eq_ignore_ascii_case(id)) => {
                return self
                    .take(&format!("registration {id}"), caller, REGISTRATION_RATE, now)
                    .map(|()| None);
            }
            Credential::Registration(_)
            | Credential::AccessPolicy(_)
            | Credential::EstUser { .. }
            | Credential::OneTimeToken { .. }
            | Credential::Certificate { .. }
            | Credential::Idevid { .. } => {}
        }
        let credential = caller.credential.to_string();
        let mut refusal = NotGranted::NoGrant {
            credential: credential.clone(),
            authority: authority.clone(),
            profile: profile.to_owned(),
        };
        let (own, permits) = (self.own(&caller.credential.owner()), self.permits());
        let all = own.iter().map(Arc::as_ref).chain(permits.iter());
        for permit in all.filter(|permit| permit.is_for(&credential, authority, profile)) {
            match self.admit_by(permit, caller, names, now) {
                Ok(reserved) => return Ok(reserved),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    fn admit_by(
        &self,
        permit: &Permit,
        caller: &Caller,
        names: &[String],
        now: Timestamp,
    ) -> Result<Option<Reserved>, NotGranted> {
        permit.check(caller, names, now)?;
        let grant = &permit.grant;
        let reserved = match grant.quota {
            quota if quota == Quota::default() => None,
            quota => Some(self.quotas.reserve(&grant.id, quota, now)?),
        };
        if let Some(rate) = grant.rate {
            self.take(&format!("{} {}", grant.id, caller.name), caller, rate, now)?;
        }
        Ok(reserved)
    }

    /// One request of this caller, counted under this key.
    pub(crate) fn take(
        &self,
        key: &str,
        caller: &Caller,
        rate: Rate,
        now: Timestamp,
    ) -> Result<(), NotGranted> {
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.admit(key, rate, now).map_err(|wait| NotGranted::TooFast {
            credential: caller.credential.to_string(),
            retry_after_s: u64::try_from(wait.as_secs()).unwrap_or_default() + 1,
        })
    }

    /// What this credential may ask for by itself.
    pub(crate) fn put_own(&self, credential: String, permit: Permit) {
        let mut own = self.own.write().unwrap_or_else(PoisonError::into_inner);
        own.insert(credential, Arc::new(permit));
    }

    pub(crate) fn remove_own(&self, credential: &str) {
        self.own.write().unwrap_or_else(PoisonError::into_inner).remove(credential);
    }

    /// How many certificates were given by this grant, if it has a quota.
    pub(crate) fn used(&self, grant: &str) -> u64 {
        self.quotas.used(grant)
    }

    fn own(&self, credential: &str) -> Option<Arc<Permit>> {
        self.own.read().unwrap_or_else(PoisonError::into_inner).get(credential).cloned()
    }

    fn permits(&self) -> Arc<Vec<Permit>> {
        self.permits.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Permit>)) {
        let mut permits = self.permits.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Vec::clone(&permits);
        change(&mut changed);
        changed.sort_by(|one, other| one.grant.id.cmp(&other.grant.id));
        *permits = Arc::new(changed);
    }
}

impl Ca {
    /// All grants, by id.
    pub fn grants(&self) -> Vec<Grant> {
        self.issuance.grants.permits().iter().map(|permit| permit.grant.clone()).collect()
    }

    /// A new grant, or another content for one.
    pub async fn put_grant(
        &self,
        grant: Grant,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), GrantChangeError> {
        let id = grant.id.clone();
        let put = self.try_put_grant(grant, caller, now).await;
        self.grant_judged(&id, put, caller, now).await
    }

    pub async fn delete_grant(
        &self,
        id: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), GrantChangeError> {
        let deleted = self.try_delete_grant(id, caller, now).await;
        self.grant_judged(id, deleted, caller, now).await
    }

    async fn grant_judged(
        &self,
        id: &str,
        outcome: Result<(), GrantChangeError>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), GrantChangeError> {
        let refused = Entry { decision: Decision::Refused, ..entry(caller, id) };
        let is_decision = |error: &GrantChangeError| !matches!(error, GrantChangeError::Record(_));
        self.or_refused(outcome, refused, is_decision, now).await
    }

    async fn try_put_grant(
        &self,
        grant: Grant,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), GrantChangeError> {
        let permit = Permit::read(grant.clone())?;
        let known = self.issuance.grants.permits();
        let is_new = known.iter().all(|permit| permit.grant.id != grant.id);
        if is_new && known.len() >= GRANTS_MAX {
            return Err(GrantChangeError::TooMany);
        }
        let reason = format!("to {} for {} of {}", grant.to, grant.profile, grant.authority);
        let entry = entry(caller, &grant.id).because(reason);
        self.record(entry, None, vec![sql::put(&grant, now)], now).await?;
        self.issuance.grants.change(|permits| {
            permits.retain(|known| known.grant.id != grant.id);
            permits.push(permit);
        });
        Ok(())
    }

    async fn try_delete_grant(
        &self,
        id: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), GrantChangeError> {
        match self.record(entry(caller, id).because("removed"), None, vec![sql::delete(id)], now).await {
            Ok(_) => {}
            Err(WriteError::Unmet { .. }) => return Err(GrantChangeError::NotFound(id.to_owned())),
            Err(error) => return Err(error.into()),
        }
        self.issuance.grants.change(|permits| permits.retain(|known| known.grant.id != id));
        Ok(())
    }
}

fn entry(caller: &Caller, id: &str) -> Entry {
    Entry::new(caller, Action::CredentialChange, format!("grant/{id}"), Decision::Allowed)
}
