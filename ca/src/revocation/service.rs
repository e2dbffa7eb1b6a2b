//! Revoking, and asking what is revoked.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::broadcast;

use muster_store::{Db, StoreError};

use super::{
    Reason, Revocation, RevocationReadError, Revocations, RevokeError, Revoked, What, bar,
    known::Fact,
    memory::{Cut, Memory},
    sql,
};
use crate::{
    Action, Ca, Caller, Decision, Entry,
    hierarchy::{Authority, AuthorityId, Transition},
    issuance::Holder,
    log::Record,
};

/// Who loses a race finds what the winner did; losing again means that a holder gets certificates in between.
const ATTEMPTS_MAX: usize = 3;

impl Revocations {
    pub(crate) async fn open(db: &Db) -> Result<Self, RevocationReadError> {
        Ok(Self::new(sql::load(db).await?))
    }
}

impl Ca {
    /// Revokes for good; durable and in force when it returns. What is revoked already answers with its first
    /// revocation, whose reason stands, unless it was none and the key is compromised. A caller that stops waiting
    /// does not stop it.
    pub async fn revoke(
        self: &Arc<Self>,
        what: What,
        reason: Reason,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Revoked, RevokeError> {
        let (ca, caller) = (Arc::clone(self), caller.clone());
        // A task of its own: what is recorded must be in memory, too, though a caller went away in between.
        let judged = tokio::spawn(async move { ca.judge_revocation(what, reason, &caller, now).await });
        judged.await.map_err(|_| RevokeError::Interrupted)?
    }

    /// Whether a certificate is revoked: itself, with its holder's generation, or with its authority or one above.
    /// From memory.
    pub fn is_revoked(
        &self,
        authority: &AuthorityId,
        serial: &[u8; 16],
        holder: Option<&Holder>,
    ) -> Option<Revocation> {
        let memory = self.revocations.memory();
        memory.certificate(authority, serial, holder).or_else(|| self.revoked_above(&memory, authority))
    }

    /// The same, but for its authority.
    pub(crate) fn revoked_itself(
        &self,
        authority: &AuthorityId,
        serial: &[u8; 16],
        holder: Option<&Holder>,
    ) -> Option<Revocation> {
        self.revocations.memory().certificate(authority, serial, holder)
    }

    /// The holder with the generation that new certificates of it are to carry; with any before, they would be revoked
    /// from their beginning.
    pub fn holder(&self, name: &str) -> Holder {
        Holder { name: name.to_owned(), generation: self.revocations.memory().generation(name) }
    }

    /// Revocations from now on. Whoever lags behind is told so, and asks [`Ca::is_revoked`] about all it has.
    pub fn revocations(&self) -> broadcast::Receiver<Revoked> {
        self.revocations.listen()
    }

    fn revoked_above(&self, memory: &Memory, authority: &AuthorityId) -> Option<Revocation> {
        if !memory.has_authorities() {
            return None;
        }
        let tree = self.tree();
        let mut next = Some(authority);
        // As many steps as there are authorities, at most: a ring of parents has no end.
        for _ in 0..=tree.len() {
            let id = next?;
            if let Some(revocation) = memory.authority(id) {
                return Some(revocation);
            }
            next = tree.find(id)?.parent.as_ref();
        }
        None
    }

    async fn judge_revocation(
        &self,
        what: What,
        reason: Reason,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Revoked, RevokeError> {
        // As the database has it, so that a restart changes no answer.
        let at = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        let revoked = self.try_revoke(&what, Revocation { reason, at }, caller, now).await;
        if let Err(error) = &revoked
            && error.is_a_decision()
        {
            let refused = entry(caller, &what, Decision::Refused).because(error.to_string());
            if let Err(error) = self.audit(refused, now).await {
                tracing::error!(%error, "a refusal is not recorded");
            }
        }
        revoked.map(|revocation| Revoked { what, revocation })
    }

    async fn try_revoke(
        &self,
        what: &What,
        wanted: Revocation,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Revocation, RevokeError> {
        for _ in 0..ATTEMPTS_MAX {
            // Looked at once: what is written follows that, or loses the race.
            let last = match what {
                What::Holder(name) => self.revocations.memory().last_cut(name),
                What::Serial { .. } | What::Authority(_) => None,
            };
            let done = match self.standing(what, last).await? {
                Some(first) => self.revoke_again(what, first, last, wanted, caller, now).await,
                None => self.revoke_first(what, last, wanted, caller, now).await,
            };
            match done {
                Err(error) if error.is_a_lost_race() => {
                    if !self.relearn(what).await? {
                        return Err(error);
                    }
                    self.crls.mark(what, None, now);
                }
                done => return done,
            }
        }
        Err(RevokeError::InProgress)
    }

    /// The revocation that covers all of it already; `last` is the holder's latest cut.
    async fn standing(
        &self,
        what: &What,
        last: Option<(usize, Cut)>,
    ) -> Result<Option<Revocation>, RevokeError> {
        let name = match what {
            What::Serial { authority, serial } => {
                return Ok(self.revocations.memory().serial(authority, serial));
            }
            What::Authority(id) => return Ok(self.revocations.memory().authority(id)),
            What::Holder(name) => name,
        };
        let Some((_, cut)) = last else { return Ok(None) };
        // Certificates that it got since are not covered.
        let got_more = sql::holds_any(&self.db, name, Some(&hex::encode(cut.next))).await?;
        Ok((!got_more).then(|| cut.mark.into()))
    }

    async fn revoke_again(
        &self,
        what: &What,
        first: Revocation,
        last: Option<(usize, Cut)>,
        wanted: Revocation,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Revocation, RevokeError> {
        let reason = wanted.reason;
        let entry = entry(caller, what, Decision::Allowed);
        let bar = self.bar_for(what, wanted);
        if !first.reason.gives_way_to(reason) {
            let because = format!("{reason}; revoked already at {}: {}", first.at, first.reason);
            let record = with_consequences(Record::new(entry.because(because), now), what, wanted, bar);
            self.append(record).await?;
            self.revocations.put_bar(what, bar);
            if let Some(bar) = bar {
                // Its certificates were over already; whatever else it is let in by is so now.
                self.revocations.tell(what, bar);
            }
            return Ok(first);
        }
        let changed = Revocation { reason, ..first };
        let number = last.map_or(0, |(number, _)| number);
        let mut changes = vec![sql::change_reason(what, number, first.reason, reason).exactly(1)];
        let own = match what {
            What::Authority(id) => self.own_certificates(id).await?,
            What::Serial { .. } | What::Holder(_) => Vec::new(),
        };
        let own = own.into_iter().map(|(authority, serial)| What::Serial { authority, serial });
        let own = own.collect::<Vec<_>>();
        changes.extend(own.iter().map(|own| sql::change_reason(own, number, first.reason, reason)));
        let because = format!("{reason}; revoked already at {}, without a reason", first.at);
        let record = Record::new(entry.because(because), now).with(changes);
        self.append(with_consequences(record, what, wanted, bar)).await?;
        self.revocations.put_bar(what, bar);
        for own in &own {
            self.revocations.learn(own, Fact::Revoked(changed));
        }
        let fact = match last {
            Some((number, cut)) => Fact::Cut(number, Cut { mark: changed.into(), ..cut }),
            None => Fact::Revoked(changed),
        };
        let learnt = self.revocations.learn(what, fact);
        self.crls.mark(what, None, now);
        Ok(learnt)
    }

    async fn revoke_first(
        &self,
        what: &What,
        last: Option<(usize, Cut)>,
        wanted: Revocation,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Revocation, RevokeError> {
        match what {
            What::Serial { authority, serial } => {
                let end = self.check_serial(authority, *serial).await?;
                let because = format!("{}; of authority `{authority}`", wanted.reason);
                let entry = entry(caller, what, Decision::Allowed).because(because);
                let row = sql::serial_row(authority, *serial, wanted);
                let record = Record::new(entry, now).row(&sql::SERIAL, &row);
                self.append(with_consequences(record, what, wanted, None)).await?;
                let learnt = self.revocations.learn(what, Fact::Revoked(wanted));
                self.crls.mark(what, Some(end), now);
                Ok(learnt)
            }
            What::Holder(name) => self.revoke_holder(name, last, wanted, caller, now).await,
            What::Authority(id) => {
                let mut with = vec![sql::put_authority(id, wanted)];
                let mut own = self.own_certificates(id).await?;
                // Right below a root there may be one that was revoked before, for a reason of its own.
                own.retain(|(issuer, serial)| self.revoked_itself(issuer, serial, None).is_none());
                with.extend(own.iter().map(|(parent, serial)| sql::put_serial(parent, *serial, wanted)));
                let because = wanted.reason.as_str();
                self.change_authority(id, Transition::Revoke, because, with, caller, now).await?;
                for (authority, serial) in own {
                    self.revocations.learn(&What::Serial { authority, serial }, Fact::Revoked(wanted));
                }
                let learnt = self.revocations.learn(what, Fact::Revoked(wanted));
                self.crls.mark(what, None, now);
                Ok(learnt)
            }
        }
    }

    async fn revoke_holder(
        &self,
        name: &str,
        last: Option<(usize, Cut)>,
        wanted: Revocation,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Revocation, RevokeError> {
        // PostgreSQL cannot be asked about a name with NUL, and none has one.
        if name.contains('\0') || !sql::holds_any(&self.db, name, None).await? {
            return Err(RevokeError::UnknownHolder(name.to_owned()));
        }
        let number = last.map_or(0, |(number, _)| number) + 1;
        let what = What::Holder(name.to_owned());
        let mut next = [0; 16];
        (self.entropy)(&mut next);
        let because = format!("{}; its next generation is `{}`", wanted.reason, hex::encode(next));
        let entry = entry(caller, &what, Decision::Allowed).because(because);
        let row = sql::holder_row(name, number, next, wanted);
        let bar = self.bar_for(&what, wanted);
        let record = Record::new(entry, now).row(&sql::HOLDER, &row);
        self.append(with_consequences(record, &what, wanted, bar)).await?;
        self.revocations.put_bar(&what, bar);
        let learnt = self.revocations.learn(&what, Fact::Cut(number, Cut { mark: wanted.into(), next }));
        self.crls.mark(&what, None, now);
        Ok(learnt)
    }

    /// One that was issued, and not that of an authority, with which more ends than itself. Tells when it ends.
    async fn check_serial(
        &self,
        authority: &AuthorityId,
        serial: [u8; 16],
    ) -> Result<Timestamp, RevokeError> {
        if let Some(owner) = self.owner_of(authority, serial) {
            return Err(RevokeError::OfAuthority { serial: hex::encode(serial), authority: owner });
        }
        let end = sql::issued_until(&self.db, authority, serial).await?;
        end.ok_or_else(|| RevokeError::UnknownSerial {
            authority: authority.clone(),
            serial: hex::encode(serial),
        })
    }

    /// The authority whose certificate this is.
    fn owner_of(&self, issuer: &AuthorityId, serial: [u8; 16]) -> Option<AuthorityId> {
        let tree = self.tree();
        let is_it = |id: &AuthorityId| {
            let certificate = tree.find(id).and_then(|authority| authority.certificate.as_ref());
            certificate.is_some_and(|certificate| certificate.serial() == serial)
        };
        let below = tree.iter().filter(|it| it.parent.as_ref() == Some(issuer) || it.id == *issuer);
        below.map(|it| &it.id).find(|id| is_it(id)).cloned()
    }

    /// The certificates by which others learn that an authority is revoked, with who issued them: its own, also those before
    /// the current one. A root has no parent to say it, so its own list does of those right below.
    pub(crate) async fn own_certificates(
        &self,
        id: &AuthorityId,
    ) -> Result<Vec<(AuthorityId, [u8; 16])>, StoreError> {
        let tree = self.tree();
        let Some(authority) = tree.find(id) else { return Ok(Vec::new()) };
        if authority.parent.is_some() {
            return self.certificates_of(authority).await;
        }
        let mut below = Vec::new();
        for authority in tree.iter().filter(|it| it.parent.as_ref() == Some(id)) {
            below.extend(self.certificates_of(authority).await?);
        }
        Ok(below)
    }

    async fn certificates_of(
        &self,
        authority: &Authority,
    ) -> Result<Vec<(AuthorityId, [u8; 16])>, StoreError> {
        let (Some(parent), Some(certificate)) = (&authority.parent, &authority.certificate) else {
            return Ok(Vec::new());
        };
        let mut serials = sql::of_key(&self.db, parent, certificate.spki_der()).await?;
        // Signed elsewhere, perhaps: then it is on no record here.
        serials.extend(<[u8; 16]>::try_from(certificate.serial()));
        serials.sort_unstable();
        serials.dedup();
        Ok(serials.into_iter().map(|serial| (parent.clone(), serial)).collect())
    }
}

/// With the holder barred by the same commit, and a key that somebody else may have kept from further certificates.
fn with_consequences(record: Record, what: &What, wanted: Revocation, bar: Option<Revocation>) -> Record {
    let record = match wanted.reason {
        Reason::KeyCompromise => record.with(sql::block_keys(what, wanted.at).into_iter().collect()),
        _ => record,
    };
    match (what, bar) {
        (What::Holder(name), Some(bar)) => record.row(&bar::sql::BAR, &bar::sql::row(name, bar)),
        _ => record,
    }
}

fn entry(caller: &Caller, what: &What, decision: Decision) -> Entry {
    let (action, object) = match what {
        What::Serial { serial, .. } => {
            (Action::CertificateRevoke, format!("certificate/{}", hex::encode(serial)))
        }
        What::Holder(name) => (Action::CertificateRevoke, format!("holder/{name}")),
        What::Authority(id) => (Action::AuthorityRevoke, id.to_string()),
    };
    Entry::new(caller, action, object, decision)
}
