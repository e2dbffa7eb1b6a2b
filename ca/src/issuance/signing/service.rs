//! Certificates signed.

use jiff::Timestamp;

use muster_store::WriteError;
use muster_x509::Certificate;

use super::Signing;
use crate::{
    Action, Ca, Decision, Entry,
    caller::{Caller, Reserved},
    hierarchy::BuildError,
    issuance::{
        Freshness, IssueError, Issued, Stage,
        draft::{About, Draft},
        order::{Order, caller_name},
        sql,
    },
    keys::KeyRef,
    log::{Record, sha256},
};

impl Ca {
    pub(in crate::issuance) async fn sign_draft(
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

    /// Looks again whether the authority may sign, and for whom: recording took a while. What is not signed is given up, so
    /// that the same request can be made again.
    async fn sign_active(
        &self,
        order: &Order<'_>,
        draft: &Draft<'_>,
        entry: Entry,
        now: Timestamp,
    ) -> Result<(Certificate, u64), IssueError> {
        let standing = self.check_standing(&order.authority.id, order.holder);
        let signed = match standing.and_then(|()| self.issuing_authority(&order.authority.id)) {
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
    pub(in crate::issuance) async fn repeated(
        &self,
        order: &Order<'_>,
    ) -> Result<Option<Issued>, IssueError> {
        let Some(key) = order.idempotency_key else { return Ok(None) };
        self.check_standing(&order.authority.id, order.holder)?;
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
}

fn entry(caller: &Caller, action: Action, draft: &Draft<'_>) -> Entry {
    Entry::new(caller, action, format!("certificate/{}", hex::encode(draft.serial)), Decision::Allowed)
}
