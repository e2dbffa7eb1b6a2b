//! Enrollment: who asks, for what, whether somebody must look at it, and the certificate.

use jiff::Timestamp;

use muster_x509::Csr;

use super::{EnrollError, Enrolled, Presented, Wish};
use crate::{
    Action, Approval, Ca, Caller, CertificateReadError, Credential, Decision, Entry, EstLabel, Freshness,
    Identified, IssueError, RenewRequest, Request, State, SubjectFacts, Unidentified,
    est::{
        pop_link,
        server_key::{self, Keyed},
        trust,
    },
    hierarchy::AuthorityId,
    log::sha256,
    profile::facts_asked,
};

/// The one request that a token is good for.
const ONCE: &str = "est once";
/// Who asks again within the same hour lost the answer.
const HOUR_S: i64 = 60 * 60;

/// How somebody got in.
enum Admitted {
    ByCredential,
    ByCertificate(Box<Identified>),
    /// By the certificate that its manufacturer gave it, which says what it is called.
    Born(Box<SubjectFacts>),
}

/// A request of somebody who was let in.
struct Asking {
    wish: Wish,
    caller: Caller,
    csr: Csr,
    /// What the record says of it beside the rest.
    remark: Option<String>,
}

impl Ca {
    /// A certificate for this request (PKCS #10 in any of its forms), or why not.
    pub(in crate::est) async fn enroll(
        &self,
        label: &str,
        wish: Wish,
        presented: &Presented,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Enrolled, EnrollError> {
        let label = self.est_label(label).ok_or_else(|| EnrollError::NoLabel(label.to_owned()))?;
        let mut actor = Caller { name: "unknown".to_owned(), credential: none(&label), from: presented.from };
        let outcome = Box::pin(self.try_enroll(&label, wish, presented, body, &mut actor, now)).await;
        if let Err(error) = &outcome
            && error.is_unrecorded_decision()
        {
            let action = match wish {
                Wish::Enroll | Wish::EnrollWithKey => Action::CertificateIssue,
                Wish::Reenroll => Action::CertificateRenew,
            };
            let object = format!("est/{}", label.name);
            let mut entry = Entry::new(&actor, action, object, Decision::Refused).because(error.to_string());
            entry.request_sha256 = Some(sha256(&[body]));
            self.audit(entry, now).await?;
        }
        outcome
    }

    async fn try_enroll(
        &self,
        label: &EstLabel,
        wish: Wish,
        presented: &Presented,
        body: &[u8],
        actor: &mut Caller,
        now: Timestamp,
    ) -> Result<Enrolled, EnrollError> {
        let admitted = self.admit(label, wish, presented, actor, now).await?;
        // Only now: a stranger's request costs no signature.
        let csr = Csr::parse(body)?;
        let link = pop_link::check(label.pop_link, &csr, presented.binding.as_ref())?;
        if wish == Wish::EnrollWithKey {
            server_key::check(&csr)?;
        }
        let asking = Asking { wish, caller: actor.clone(), remark: remark(wish, link), csr };
        let enrolled = match admitted {
            Admitted::ByCertificate(old) => self.reenroll(label, asking, *old, now).await?,
            Admitted::ByCredential => {
                let subject = facts_asked(&asking.csr);
                self.enroll_anew(label, asking, subject, now).await?
            }
            Admitted::Born(facts) => {
                let subject = trust::asked(*facts, &asking.csr)?;
                self.enroll_anew(label, asking, subject, now).await?
            }
        };
        let issued = &enrolled.issued;
        let gone = match issued.freshness {
            Freshness::New => false,
            Freshness::Repeated => {
                let authority = label.authority_id().unwrap_or_else(AuthorityId::issuing);
                issued.certificate.not_after() < now
                    || self.is_revoked(&authority, &issued.serial, None).is_some()
            }
        };
        if gone { Err(EnrollError::Over) } else { Ok(enrolled) }
    }

    /// A password counts for more than a certificate; a renewal wants the certificate, whatever the password. `actor`: whoever
    /// it turns out to be, also when that is nobody to let in.
    async fn admit(
        &self,
        label: &EstLabel,
        wish: Wish,
        presented: &Presented,
        actor: &mut Caller,
        now: Timestamp,
    ) -> Result<Admitted, EnrollError> {
        let trusted = match wish {
            Wish::Enroll | Wish::EnrollWithKey => {
                if let Some(shown) = &presented.shown {
                    *actor = self.sign_in(&label.name, shown, presented.from, now).await??;
                    return Ok(Admitted::ByCredential);
                }
                self.est.book().trust(&label.name)
            }
            Wish::Reenroll => None,
        };
        let known = match self.identify(&presented.chain, now) {
            Ok(known) => Box::new(known),
            // Its profile may have a grace for that; renewing asks.
            Err(Unidentified::Expired { identified, .. }) => identified,
            Err(Unidentified::NoCertificate) => {
                return Err(match wish {
                    Wish::Enroll | Wish::EnrollWithKey => EnrollError::NobodyKnown,
                    Wish::Reenroll => EnrollError::NoCertificate,
                });
            }
            Err(Unidentified::NotOurs | Unidentified::Malformed(_)) if wish != Wish::Reenroll => {
                let trust = trusted.ok_or(EnrollError::NobodyKnown)?;
                return self.born_with(label, &trust, presented, actor, now).await.map(born);
            }
            Err(error) => {
                if let Unidentified::Revoked { identified, .. } = &error {
                    *actor = holding(identified, presented);
                }
                return Err(EnrollError::Certificate(error));
            }
        };
        *actor = holding(&known, presented);
        // Whoever trusts its own authority makes devices itself.
        if let Some(trust) = trusted
            && self.profile_of(&known).await? != label.profile
            && trust.anchors_any(&presented.chain, now)
        {
            return self.born_with(label, &trust, presented, actor, now).await.map(born);
        }
        Ok(Admitted::ByCertificate(known))
    }

    async fn enroll_anew(
        &self,
        label: &EstLabel,
        asking: Asking,
        subject: SubjectFacts,
        now: Timestamp,
    ) -> Result<Enrolled, EnrollError> {
        let Asking { wish, caller, csr, remark } = asking;
        let idempotency_key = match (label.approval, &caller.credential) {
            (Approval::Manual, _) => Some(self.approved(label, wish, &caller, &csr, &subject, now).await?),
            (Approval::Automatic, Credential::OneTimeToken { .. }) => Some(ONCE.to_owned()),
            (Approval::Automatic, _) => this_hour(wish, &csr, now),
        };
        let Keyed { csr, pkcs8 } = self.with_key(label, wish, csr).await?;
        let request = Request {
            authority: authority_of(label)?,
            profile: label.profile.clone(),
            holder: self.holder_by_name(&label.profile, &subject, &csr),
            csr,
            subject,
            caller,
            idempotency_key,
            not_after: None,
        };
        match self.issue_remarking(request, remark.as_deref(), now).await {
            Ok(issued) => Ok(Enrolled { issued, pkcs8 }),
            Err(IssueError::IdempotencyKeyReused(key)) if key == ONCE => Err(EnrollError::TokenUsed),
            Err(IssueError::IdempotencyKeyReused(_)) if wish == Wish::EnrollWithKey => {
                Err(EnrollError::KeyGone)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// At the label that it is from, or would be from now on: after a rollover, the old authority signs nothing more.
    async fn reenroll(
        &self,
        label: &EstLabel,
        asking: Asking,
        old: Identified,
        now: Timestamp,
    ) -> Result<Enrolled, EnrollError> {
        let Asking { wish, caller, csr, remark } = asking;
        let authority = authority_of(label)?;
        let found = self.profile_of(&old).await?;
        if found != label.profile {
            return Err(EnrollError::OtherProfile { found, given: label.profile.clone() });
        }
        let still_signs = self.authority(&old.authority).is_some_and(|it| it.state == State::Active);
        if old.authority != authority && still_signs {
            let (found, given) = (old.authority.to_string(), authority.to_string());
            return Err(EnrollError::OtherAuthority { found, given });
        }
        let Keyed { csr, pkcs8 } = self.with_key(label, wish, csr).await?;
        let request = RenewRequest {
            old: old.certificate,
            idempotency_key: this_hour(wish, &csr, now),
            csr,
            caller,
            authority: Some(authority),
            holder: None,
        };
        let issued = self.renew_remarking(request, remark.as_deref(), now).await?;
        Ok(Enrolled { issued, pkcs8 })
    }

    async fn profile_of(&self, known: &Identified) -> Result<String, CertificateReadError> {
        let stored = self.certificate(known.serial, Some(&known.authority)).await?;
        Ok(stored.map(|stored| stored.profile.name).unwrap_or_default())
    }
}

fn born(facts: SubjectFacts) -> Admitted {
    Admitted::Born(Box::new(facts))
}

fn holding(known: &Identified, presented: &Presented) -> Caller {
    Caller {
        name: known.common_name.clone().unwrap_or_else(|| hex::encode(known.serial)),
        credential: Credential::Certificate { sha256: known.sha256.clone() },
        from: presented.from,
    }
}

fn authority_of(label: &EstLabel) -> Result<AuthorityId, IssueError> {
    label.authority_id().ok_or_else(|| IssueError::NoSuchAuthority(AuthorityId::issuing()))
}

/// None where each request gets a key of its own.
fn this_hour(wish: Wish, csr: &Csr, now: Timestamp) -> Option<String> {
    match wish {
        Wish::Enroll | Wish::Reenroll => {
            let hour = now.as_second().div_euclid(HOUR_S);
            Some(format!("est {hour} {}", hex::encode(sha256(&[csr.der()]))))
        }
        Wish::EnrollWithKey => None,
    }
}

/// What the record says of the request.
fn remark(wish: Wish, link: Option<&'static str>) -> Option<String> {
    let key = match wish {
        Wish::Enroll | Wish::Reenroll => None,
        Wish::EnrollWithKey => Some(server_key::REMARK),
    };
    let remarks: Vec<_> = [key, link].into_iter().flatten().collect();
    (!remarks.is_empty()).then(|| remarks.join("; "))
}

/// Before anybody is known.
fn none(label: &EstLabel) -> Credential {
    Credential::EstUser { label: label.name.clone(), user: "unknown".to_owned() }
}
