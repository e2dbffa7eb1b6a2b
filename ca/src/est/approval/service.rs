//! Requests put before somebody, and decided.

use jiff::{SignedDuration, Timestamp};

use muster_store::{StoreError, WriteError};
use muster_x509::Csr;

use super::{EstRequest, EstRequestError, KEPT_DAYS, PENDING_MAX, RETRY_AFTER_S, Verdict, sql};
use crate::{
    Action, Ca, Caller, CertificateReadError, Decision, Entry, EstLabel, IssueError, SubjectFacts,
    est::enroll::{EnrollError, Wish},
    log::sha256,
    profile::Refused,
};

const ID_BYTES: usize = 16;

impl Ca {
    /// Requests that wait, oldest first, `max` at most.
    pub async fn est_requests(&self, max: usize) -> Result<Vec<EstRequest>, StoreError> {
        sql::pending(&self.db, i64::try_from(max).unwrap_or(PENDING_MAX).min(PENDING_MAX)).await
    }

    /// Lets a request have its certificate when it comes again, or says no to it.
    pub async fn decide_est_request(
        &self,
        id: &str,
        verdict: Verdict,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), EstRequestError> {
        let not_there = || EstRequestError::NotPending(id.to_owned());
        let request = sql::one(&self.db, id).await?.ok_or_else(not_there)?;
        let decision = match verdict {
            Verdict::Pending | Verdict::Denied => Decision::Refused,
            Verdict::Approved => Decision::Allowed,
        };
        let because = format!("{}: `{}` of {}", verdict.as_str(), request.subject, request.caller);
        let object = format!("est/{}/request/{id}", request.label);
        let entry = Entry::new(caller, Action::CredentialChange, object, decision).because(because);
        match self.record(entry, None, vec![sql::decide(id, verdict)], now).await {
            Ok(_) => Ok(()),
            Err(WriteError::Unmet { .. }) => Err(not_there()),
            Err(error) => Err(error.into()),
        }
    }

    /// The idempotency key of an approved request, which makes it good for one certificate; puts a new one before
    /// somebody, unless it would be refused anyway.
    pub(in crate::est) async fn approved(
        &self,
        label: &EstLabel,
        wish: Wish,
        caller: &Caller,
        csr: &Csr,
        subject: &SubjectFacts,
        now: Timestamp,
    ) -> Result<String, EnrollError> {
        let profile = self.profile(&label.profile);
        let profile = profile.ok_or_else(|| IssueError::NoSuchProfile(label.profile.clone()))?;
        let refused = match (profile.ask(csr, subject, &caller.name), wish) {
            // It gets a key of another kind.
            (Ok(_), _) | (Err(Refused::KeyKind { .. }), Wish::EnrollWithKey) => None,
            (Err(refused), Wish::Enroll | Wish::Reenroll | Wish::EnrollWithKey) => Some(refused),
        };
        if let Some(refused) = refused {
            let object = format!("est/{}", label.name);
            let mut entry = Entry::new(caller, Action::CertificateIssue, object, Decision::Refused);
            entry.request_sha256 = Some(sha256(&[csr.der()]));
            self.audit(entry.because(refused.to_string()), now).await?;
            return Err(IssueError::Refused(refused).into());
        }
        let id = id(label, wish, caller, csr);
        let unread = |error: StoreError| EnrollError::Read(CertificateReadError::from(error));
        let Some(request) = sql::one(&self.db, &id).await.map_err(unread)? else {
            if sql::count(&self.db).await.map_err(unread)? >= PENDING_MAX {
                return Err(EnrollError::TooManyPending);
            }
            let request = EstRequest {
                id,
                label: label.name.clone(),
                caller: format!("{} {}", caller.credential, caller.name),
                subject: csr.subject().to_owned(),
                csr: csr.der().to_vec(),
                verdict: Verdict::Pending,
                created: now,
            };
            let long_ago = now.saturating_sub(SignedDuration::from_hours(24 * KEPT_DAYS)).unwrap_or(now);
            self.db.write(vec![sql::forget(long_ago), sql::insert(&request)]).await?;
            return Err(EnrollError::Pending { retry_after_s: RETRY_AFTER_S });
        };
        match request.verdict {
            Verdict::Pending => Err(EnrollError::Pending { retry_after_s: RETRY_AFTER_S }),
            Verdict::Denied => Err(EnrollError::Denied),
            Verdict::Approved => Ok(format!("est {} {:x}", request.id, request.created.as_microsecond())),
        }
    }
}

/// Of all that somebody looks at: another name with the same key is another request. Who may have a certificate has not
/// asked for a private key yet, nor the other way round. The signature is new whenever a client makes its request again.
fn id(label: &EstLabel, wish: Wish, caller: &Caller, csr: &Csr) -> String {
    let kind = match wish {
        Wish::Enroll | Wish::Reenroll => "",
        Wish::EnrollWithKey => "serverkeygen\0",
    };
    let who = format!("{kind}{}\0{}\0{}\0", label.name, caller.credential, caller.name);
    let mut asked = Vec::new();
    for extension in &csr.requested().extensions {
        asked.push(sha256(&[
            extension.oid.as_bytes(),
            &[0, u8::from(extension.critical)],
            &extension.value_der,
        ]));
    }
    let hash = sha256(&[
        who.as_bytes(),
        &sha256(&[csr.spki_der()]),
        &sha256(&[csr.subject_der()]),
        asked.concat().as_slice(),
    ]);
    hex::encode(hash.get(..ID_BYTES).unwrap_or_default())
}
