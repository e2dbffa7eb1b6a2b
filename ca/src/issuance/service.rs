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
use muster_x509::{Certificate, Csr};

use super::{
    Freshness, Holder, IssueError, Issued, Request, Stage,
    draft::{About, Draft},
    holders::Holders,
    in_flight::{InFlight, UnderWay},
    sql,
};
use crate::{
    Action, Ca, Decision, Entry,
    caller::{Caller, Grants, NotGranted, Reserved},
    hierarchy::{Authority, AuthorityId, BuildError, certify::fresh_serial},
    keys::KeyRef,
    log::{Record, sha256},
    profile::{Identity, Issuer, OfAnother, Profile, Profiles, Wanted, prepare},
};

/// A clock that is set by the network goes back by less. One that goes back by more may be anybody's.
const ROLLBACK_MAX: SignedDuration = SignedDuration::from_mins(5);
/// A serial that is taken, a request that another process gave up: neither happens twice in a row.
const ATTEMPTS_MAX: usize = 3;
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 200;

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

/// Who signs. A root signs itself before it is an authority of the tree.
pub(crate) struct Signing<'a> {
    pub(crate) authority: &'a Authority,
    pub(crate) key: &'a KeyRef,
    pub(crate) profile: &'static str,
}

/// A request that may be fulfilled, as far as names and grants go.
pub(super) struct Order<'a> {
    pub(super) action: Action,
    pub(super) authority: Arc<Authority>,
    pub(super) profile: Arc<Profile>,
    pub(super) csr: &'a Csr,
    pub(super) identity: Identity<'a>,
    pub(super) caller: &'a Caller,
    pub(super) caller_name: String,
    pub(super) idempotency_key: Option<&'a str>,
    pub(super) holder: Option<&'a Holder>,
    pub(super) not_after: Option<Timestamp>,
    pub(super) remarks: Vec<String>,
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

    fn signed(&self, now: Timestamp) {
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

impl Order<'_> {
    /// The key has a certificate for this other holder.
    fn note_key_of(&mut self, holder: &str) -> Result<(), IssueError> {
        match self.profile.key.of_another {
            OfAnother::Refuse => Err(IssueError::KeyOfAnother { holder: holder.to_owned() }),
            OfAnother::Warn => {
                let remark = format!("public key is that of `{holder}`, too");
                if !self.remarks.contains(&remark) {
                    self.remarks.push(remark);
                }
                Ok(())
            }
        }
    }
}

impl Ca {
    /// Prepare, lint, record, sign, record, answer.
    pub async fn issue(&self, request: Request, now: Timestamp) -> Result<Issued, IssueError> {
        let issued = Box::pin(self.try_issue(&request, now)).await;
        let object = format!("{}/{}", request.authority, request.profile);
        if let Err(error) = &issued {
            self.refused(Action::CertificateIssue, object, &request.caller, &request.csr, error, now).await;
        }
        issued
    }

    async fn try_issue(&self, request: &Request, now: Timestamp) -> Result<Issued, IssueError> {
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
            remarks: asked.remarks().to_vec(),
            profile,
        };
        check_idempotency_key(order.idempotency_key)?;
        let _turn = self.issuance.turn(&order.caller_name, order.idempotency_key).await;
        let grants = &self.issuance.grants;
        match grants.admit(caller, &order.authority.id, &order.profile.id.name, &asked.names(), now) {
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
        let spki_sha256 = sha256(&[order.csr.spki_der()]);
        let _claim = match order.holder.map(|holder| self.issuance.holders.claim(spki_sha256, &holder.name)) {
            Some(Err(other)) => {
                order.note_key_of(&other)?;
                None
            }
            Some(Ok(claimed)) => Some(claimed),
            None => None,
        };
        self.check_subject_key(&mut order, spki_sha256).await?;
        let issuer = self.issuer(&order.authority)?;
        let quota = reserved.as_ref().map(|reserved| reserved.grant().to_owned());
        let about = About {
            holder: order.holder.map(|holder| holder.name.as_str()),
            generation: order.holder.map(|holder| holder.generation.as_str()),
            caller: &order.caller_name,
            idempotency: order.idempotency_key,
            quota: quota.as_deref(),
        };
        for _ in 0..ATTEMPTS_MAX {
            let wanted = Wanted {
                csr: order.csr,
                identity: order.identity.clone(),
                generation: about.generation,
                not_after: order.not_after,
            };
            let serial = fresh_serial(&self.entropy);
            let prepared = prepare(&order.profile, &wanted, &issuer, serial, now)?;
            let draft = Draft::of(&prepared, about);
            if sql::record(&self.db, &draft, now).await? {
                return self.sign_draft(&order, &draft, reserved, now).await;
            }
            if let Some(repeated) = self.repeated(&order).await? {
                return Ok(repeated);
            }
        }
        Err(IssueError::InProgress)
    }

    async fn sign_draft(
        &self,
        order: &Order<'_>,
        draft: &Draft<'_>,
        reserved: Option<Reserved>,
        now: Timestamp,
    ) -> Result<Issued, IssueError> {
        let mut reason = format!("{} `{}`", draft.profile, draft.subject);
        for remark in &order.remarks {
            reason = format!("{reason}; {remark}");
        }
        let mut entry = entry(order.caller, order.action, draft).because(reason);
        entry.request_sha256 = Some(sha256(&[order.csr.der()]));
        let signed = self.sign_active(order, draft, entry, now).await;
        // Perhaps it is written: then it counts.
        let counts = matches!(signed, Ok(_) | Err(IssueError::Record(WriteError::Uncertain(_))));
        if let Some(reserved) = reserved.filter(|_| counts) {
            reserved.keep();
        }
        let (certificate, log_index) = signed?;
        Ok(Issued {
            certificate,
            chain: self.chain(&order.authority.id),
            serial: draft.serial,
            log_index,
            profile: draft.profile.clone(),
            freshness: Freshness::New,
            remarks: order.remarks.clone(),
        })
    }

    /// Looks again whether the authority may sign: recording took a while. What is not signed is given up, so that the same
    /// request can be made again.
    async fn sign_active(
        &self,
        order: &Order<'_>,
        draft: &Draft<'_>,
        entry: Entry,
        now: Timestamp,
    ) -> Result<(Certificate, u64), IssueError> {
        let signed = match self.issuing_authority(&order.authority.id) {
            Ok(authority) => match authority.issuing_key() {
                Some(key) => self.sign_recorded_draft(key, draft, entry, now).await,
                None => Err(IssueError::KeyElsewhere(authority.id.clone())),
            },
            Err(error) => Err(error),
        };
        match &signed {
            // Perhaps it is written, so it must stay.
            Ok(_) | Err(IssueError::Record(WriteError::Uncertain(_))) => {}
            Err(_) => {
                if let Err(error) = sql::abandon(&self.db, draft.authority, draft.serial).await {
                    tracing::warn!(%error, "certificate that was not signed stays recorded");
                }
            }
        }
        signed
    }

    async fn sign_recorded_draft(
        &self,
        key: &KeyRef,
        draft: &Draft<'_>,
        entry: Entry,
        now: Timestamp,
    ) -> Result<(Certificate, u64), IssueError> {
        let signature = self.keys.sign(key, draft.tbs).await?;
        let certificate = Certificate::parse(&signature.wrap(draft.tbs)).map_err(BuildError::from)?;
        self.issuance.signed(now);
        let record = Record::new(entry, now).certificate(&certificate).row(&sql::ISSUED, &sql::issued(draft));
        let recorded = self.append(record).await?;
        let log_index =
            recorded.log_index.ok_or_else(|| BuildError::Build("it has no place in the log".to_owned()))?;
        Ok((certificate, log_index))
    }

    /// The signing half for certificates of authorities, responders and listeners, which have no request: records
    /// `{serial, tbs}`, signs with the key of `issuer`, records certificate, audit entry and log leaf, and answers.
    pub(crate) async fn sign_recorded(
        &self,
        issuer: &Signing<'_>,
        tbs: Vec<u8>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Certificate, IssueError> {
        let caller_name = caller_name(caller);
        let about = About { caller: &caller_name, ..About::default() };
        let draft = Draft::of_own(&issuer.authority.id, issuer.profile, &tbs, about)?;
        if !sql::record(&self.db, &draft, now).await? {
            return Err(IssueError::InProgress);
        }
        let reason = format!("{} `{}`", draft.profile, draft.subject);
        let entry = entry(caller, Action::CertificateIssue, &draft).because(reason);
        let (certificate, _) = self.sign_recorded_draft(issuer.key, &draft, entry, now).await?;
        Ok(certificate)
    }

    /// The answer to an earlier request of the same name, if there was one. One that was never signed is given up: nobody
    /// here is at it.
    pub(super) async fn repeated(&self, order: &Order<'_>) -> Result<Option<Issued>, IssueError> {
        let Some(key) = order.idempotency_key else { return Ok(None) };
        let found = sql::by_idempotency_key(&self.db, &order.caller_name, key).await?;
        let Some((stored, spki)) = found else { return Ok(None) };
        let same = spki == sql::spki_name(sha256(&[order.csr.spki_der()]))
            && stored.authority == order.authority.id
            && stored.profile.name == order.profile.id.name
            && stored.holder.as_deref() == order.holder.map(|holder| holder.name.as_str());
        if !same {
            return Err(IssueError::IdempotencyKeyReused(key.to_owned()));
        }
        match stored.stage {
            Stage::Issued { log_index, certificate } => Ok(Some(Issued {
                certificate,
                chain: self.chain(&stored.authority),
                serial: stored.serial,
                log_index,
                profile: stored.profile,
                freshness: Freshness::Repeated,
                remarks: Vec::new(),
            })),
            Stage::Recorded => {
                sql::abandon(&self.db, &stored.authority, stored.serial).await?;
                Ok(None)
            }
            Stage::Abandoned => Ok(None),
        }
    }

    pub(super) fn issuing_authority(&self, id: &AuthorityId) -> Result<Arc<Authority>, IssueError> {
        let authority = self.authority(id).ok_or_else(|| IssueError::NoSuchAuthority(id.clone()))?;
        if !authority.state.issues() {
            return Err(IssueError::NotActive { authority: id.clone(), state: authority.state });
        }
        Ok(authority)
    }

    /// Never an authority's own key, never a blocked one; one of another holder as the profile has it.
    async fn check_subject_key(
        &self,
        order: &mut Order<'_>,
        spki_sha256: [u8; 32],
    ) -> Result<(), IssueError> {
        let spki_der = order.csr.spki_der();
        for authority in self.tree().iter() {
            let certified = authority.certificate.as_ref().is_some_and(|it| it.spki_der() == spki_der);
            let pending = || authority.key.as_ref().and_then(|key| self.keys.public(key).ok());
            if certified || pending().is_some_and(|key| key.spki_der() == spki_der) {
                return Err(IssueError::KeyOfAuthority(authority.id.clone()));
            }
        }
        let holder = order.holder.map(|holder| holder.name.as_str());
        let facts = sql::key_facts(&self.db, spki_sha256, holder).await?;
        if let Some(reason) = facts.blocked {
            return Err(IssueError::KeyBlocked { reason });
        }
        match facts.held_by {
            Some(other) => order.note_key_of(&other),
            None => Ok(()),
        }
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

    /// Records that it was refused, and why. What is not known to be refused, but could not be done, is none of it.
    pub(super) async fn refused(
        &self,
        action: Action,
        object: String,
        caller: &Caller,
        csr: &Csr,
        error: &IssueError,
        now: Timestamp,
    ) {
        if error.is_a_decision() {
            self.refused_because(action, object, caller, csr, error.to_string(), now).await;
        }
    }

    pub(super) async fn refused_because(
        &self,
        action: Action,
        object: String,
        caller: &Caller,
        csr: &Csr,
        reason: String,
        now: Timestamp,
    ) {
        let mut entry = Entry::new(caller, action, object, Decision::Refused).because(reason);
        entry.request_sha256 = Some(sha256(&[csr.der()]));
        if let Err(error) = self.audit(entry, now).await {
            tracing::error!(%error, "a refusal is not recorded");
        }
    }
}

/// Whose idempotency keys these are.
pub(super) fn caller_name(caller: &Caller) -> String {
    format!("{} {}", caller.credential, caller.name)
}

pub(super) fn check_idempotency_key(key: Option<&str>) -> Result<(), IssueError> {
    match key {
        Some(key)
            if !(1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len())
                || !key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') =>
        {
            Err(IssueError::IdempotencyKeyMalformed(key.len()))
        }
        Some(_) | None => Ok(()),
    }
}

fn entry(caller: &Caller, action: Action, draft: &Draft<'_>) -> Entry {
    Entry::new(caller, action, format!("certificate/{}", hex::encode(draft.serial)), Decision::Allowed)
}
