//! Issuance: each step in its order, each decision recorded.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};

use muster_store::{Db, StoreError, WriteError};

use super::{
    Holder, IssueError, Issued, Request,
    draft::{About, Draft},
    holders::Holders,
    in_flight::{InFlight, UnderWay},
    order::{Order, caller_name, check_idempotency_key},
    sql,
};
use crate::{
    Action, Ca,
    caller::{Caller, Credential, Grants, NotGranted, Reserved},
    hierarchy::{Authority, AuthorityId, certify::fresh_serial},
    log::sha256,
    profile::{Identity, Issuer, OfAnother, Profiles, Wanted, prepare},
};

/// A clock that is set by the network goes back by less. One that goes back by more may be anybody's.
const ROLLBACK_MAX: SignedDuration = SignedDuration::from_mins(5);
/// A serial that is taken, a request that another process gave up: neither happens twice in a row.
const ATTEMPTS_MAX: usize = 3;

/// What issuing needs in memory.
pub(crate) struct Issuance {
    pub(crate) profiles: Profiles,
    pub(crate) grants: Grants,
    issuers: RwLock<HashMap<AuthorityId, Arc<Issuer>>>,
    /// By caller and idempotency key.
    requests: InFlight<(String, String)>,
    holders: Holders,
    /// Microseconds since 1970 when the latest certificate was signed.
    last_signed: AtomicI64,
}

impl Issuance {
    /// What a process that ended left recorded and unsigned is given up.
    pub(crate) async fn open(db: &Db, now: Timestamp) -> Result<Self, StoreError> {
        let abandoned = sql::abandon_all(db).await.map_err(|error| match error {
            WriteError::Refused { source, .. }
            | WriteError::Failed(source)
            | WriteError::Uncertain(source) => source,
            WriteError::Unmet { .. } | WriteError::Closed => StoreError::Closed,
        })?;
        if abandoned > 0 {
            tracing::warn!(abandoned, "certificates that were recorded but not signed are given up");
        }
        let last_signed = sql::last_signed(db).await?.map_or(i64::MIN, Timestamp::as_microsecond);
        Ok(Self {
            profiles: Profiles::open(db).await?,
            grants: Grants::open(db, now).await?,
            issuers: RwLock::default(),
            requests: InFlight::default(),
            holders: Holders::default(),
            last_signed: AtomicI64::new(last_signed),
        })
    }

    pub(super) fn check_clock(&self, now: Timestamp) -> Result<(), IssueError> {
        let last =
            Timestamp::from_microsecond(self.last_signed.load(Ordering::Relaxed)).unwrap_or(Timestamp::MIN);
        let back = last.duration_since(now);
        if back > ROLLBACK_MAX {
            Err(IssueError::ClockWentBack { seconds_back: back.as_secs() })
        } else {
            Ok(())
        }
    }

    pub(super) fn signed(&self, now: Timestamp) {
        self.last_signed.fetch_max(now.as_microsecond(), Ordering::Relaxed);
    }

    /// Waits until no other request of this name is under way.
    pub(super) async fn turn(&self, caller: &str, key: Option<&str>) -> Option<UnderWay<(String, String)>> {
        let name = (caller.to_owned(), key?.to_owned());
        loop {
            match self.requests.begin(name.clone()) {
                Ok(mine) => return Some(mine),
                Err(other) => {
                    let mut end = other.into_end();
                    while end.changed().await.is_ok() {}
                }
            }
        }
    }
}

impl Ca {
    /// Prepare, lint, record, sign, record, answer.
    pub async fn issue(&self, request: Request, now: Timestamp) -> Result<Issued, IssueError> {
        self.issue_remarking(request, None, now).await
    }

    /// With one more remark on record.
    pub(crate) async fn issue_remarking(
        &self,
        request: Request,
        remark: Option<&str>,
        now: Timestamp,
    ) -> Result<Issued, IssueError> {
        let issued = Box::pin(self.try_issue(&request, remark, now)).await;
        let object = format!("{}/{}", request.authority, request.profile);
        if let Err(error) = &issued {
            self.refused(Action::CertificateIssue, object, &request.caller, &request.csr, error, now).await;
        }
        issued
    }

    async fn try_issue(
        &self,
        request: &Request,
        remark: Option<&str>,
        now: Timestamp,
    ) -> Result<Issued, IssueError> {
        let Request { caller, csr, .. } = request;
        let authority = self.issuing_authority(&request.authority)?;
        self.issuance.check_clock(now)?;
        let profile = self.issuance.profiles.find(&request.profile);
        let profile = profile.ok_or_else(|| IssueError::NoSuchProfile(request.profile.clone()))?;
        let asked = profile.ask(csr, &request.subject, &caller.name)?;
        let order = Order {
            action: Action::CertificateIssue,
            authority,
            csr,
            identity: Identity::Asked(&asked),
            caller,
            caller_name: caller_name(caller),
            idempotency_key: request.idempotency_key.as_deref(),
            holder: request.holder.as_ref(),
            not_after: request.not_after,
            remarks: remark.map(str::to_owned).into_iter().chain(asked.remarks().iter().cloned()).collect(),
            profile,
        };
        check_idempotency_key(order.idempotency_key)?;
        let _turn = self.issuance.turn(&order.caller_name, order.idempotency_key).await;
        let grants = &self.issuance.grants;
        let names: Vec<_> = asked.names().into_iter().chain(holder_to_check(caller, order.holder)).collect();
        match grants.admit(caller, &order.authority.id, &order.profile.id.name, &names, now) {
            Ok(reserved) => self.fulfil(order, reserved, now).await,
            // Whoever asks again for what it got needs nothing left to get.
            Err(error @ (NotGranted::Quota { .. } | NotGranted::TooFast { .. })) => {
                self.repeated(&order).await?.ok_or(IssueError::NotGranted(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// From what may be to what is: the part that every way to a certificate shares.
    pub(super) async fn fulfil(
        &self,
        mut order: Order<'_>,
        reserved: Option<Reserved>,
        now: Timestamp,
    ) -> Result<Issued, IssueError> {
        self.check_standing(&order.authority.id, order.holder)?;
        let spki_sha256 = sha256(&[order.csr.spki_der()]);
        let _claim = match order.holder.map(|holder| self.issuance.holders.claim(spki_sha256, &holder.name)) {
            Some(Err(other)) => {
                order.remarks.push(order.judge_key_of(other)?);
                None
            }
            Some(Ok(claimed)) => Some(claimed),
            None => None,
        };
        self.check_not_ours(order.csr)?;
        // Only a remark needs to know beforehand.
        if order.holder.is_some() && order.profile.key.of_another == OfAnother::Warn {
            let remark = self.check_records(&order, spki_sha256).await?;
            order.remarks.extend(remark);
            order.remarks.dedup();
        }
        let issuer = self.issuer(&order.authority)?;
        let quota = reserved.as_ref().map(|reserved| reserved.grant().to_owned());
        let about = About {
            holder: order.holder.map(|holder| holder.name.as_str()),
            generation: order.holder.map(|holder| holder.generation.as_str()),
            of_another: order.profile.key.of_another,
            caller: &order.caller_name,
            idempotency: order.idempotency_key,
            quota: quota.as_deref(),
        };
        for _ in 0..ATTEMPTS_MAX {
            let wanted = Wanted {
                csr: order.csr,
                identity: order.identity.clone(),
                holder: order.holder,
                not_after: order.not_after,
            };
            let serial = fresh_serial(&self.entropy);
            let prepared = prepare(&order.profile, &wanted, &issuer, serial, now)?;
            let draft = Draft::of(&prepared, about);
            if sql::record(&self.db, &draft, now).await? {
                return self.sign_draft(&order, &draft, reserved, now).await;
            }
            self.check_records(&order, spki_sha256).await?;
            if let Some(repeated) = self.repeated(&order).await? {
                return Ok(repeated);
            }
        }
        Err(IssueError::InProgress)
    }

    fn issuer(&self, authority: &Arc<Authority>) -> Result<Arc<Issuer>, IssueError> {
        let issuers = &self.issuance.issuers;
        let known = issuers.read().unwrap_or_else(PoisonError::into_inner).get(&authority.id).cloned();
        if let Some(known) = known.filter(|known| Arc::ptr_eq(&known.authority, authority)) {
            return Ok(known);
        }
        let elsewhere = || IssueError::KeyElsewhere(authority.id.clone());
        let key = self.keys.public(authority.issuing_key().ok_or_else(elsewhere)?)?;
        let base_url = self.settings.base_url.as_ref();
        let issuer =
            Issuer::new(authority, key.signature_algorithm_der(), base_url)?.ok_or_else(elsewhere)?;
        let issuer = Arc::new(issuer);
        issuers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(authority.id.clone(), Arc::clone(&issuer));
        Ok(issuer)
    }
}

/// Whose certificate it is said to be is a name like the others, unless it is this server that says so.
fn holder_to_check(caller: &Caller, holder: Option<&Holder>) -> Option<String> {
    match caller.credential {
        Credential::Process | Credential::Registration(_) => None,
        Credential::AccessPolicy(_)
        | Credential::EstUser { .. }
        | Credential::OneTimeToken { .. }
        | Credential::Certificate { .. }
        | Credential::Idevid { .. } => holder.map(|holder| holder.name.clone()),
    }
}
