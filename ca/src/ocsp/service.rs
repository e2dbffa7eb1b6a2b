//! Questions answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::body::Bytes;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use muster_store::StoreError;
use muster_x509::{CertId, Nonce, OcspRequest};

use super::{
    ANSWER_KEPT, Failure, OcspAnswer,
    cache::{Cache, Kept, Subject},
    issuers::Issuers,
    response::{self, Single},
    sql,
};
use crate::{Ca, hierarchy::AuthorityId, keys::SignError, public::Tag, revocation::Revocation};

/// Who asks when so many are being answered is told to try later: signing is what strangers can make us do.
const ANSWERING_MAX: usize = 256;
/// A responder's key that is gone was followed by another one.
const ATTEMPTS_MAX: usize = 2;

/// What answering needs in memory.
pub(crate) struct Ocsp {
    issuers: RwLock<Arc<Issuers>>,
    cache: Mutex<Cache>,
    answering: Semaphore,
}

/// A certificate that is asked about, and what is to be said.
struct Found<'r> {
    asked: &'r CertId,
    subject: Subject,
    revoked: Option<Revocation>,
}

impl Default for Ocsp {
    fn default() -> Self {
        Self { issuers: RwLock::default(), cache: Mutex::default(), answering: Semaphore::new(ANSWERING_MAX) }
    }
}

impl Ocsp {
    /// As if all were being answered that may be.
    #[cfg(test)]
    pub(crate) fn hold_all(&self) -> tokio::sync::SemaphorePermit<'_> {
        let all = u32::try_from(ANSWERING_MAX).unwrap();
        self.answering.try_acquire_many(all).unwrap()
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ca {
    /// Answers a request as it was sent.
    pub(crate) async fn ocsp(&self, sent: &[u8], now: Timestamp) -> OcspAnswer {
        let answered = match OcspRequest::parse(sent) {
            Ok(request) => self.answer(&request, now).await,
            Err(_) => Err(Failure::MalformedRequest),
        };
        answered.unwrap_or_else(OcspAnswer::Failed)
    }

    async fn answer(&self, request: &OcspRequest, now: Timestamp) -> Result<OcspAnswer, Failure> {
        // What many may ask in the same words.
        let alone = match (&*request.certificates, &request.nonce) {
            ([asked], None) => Some(asked),
            _ => None,
        };
        if let Some(kept) = alone.and_then(|asked| self.kept(asked, now)) {
            return Ok(said(&kept));
        }
        let _answering = self.ocsp.answering.try_acquire().map_err(|_| Failure::TryLater)?;
        let authority = self.asked_of(&request.certificates)?;
        let found = self.find(&authority, &request.certificates).await?;
        let der = self.sign_answer(&authority, &found, request.nonce.as_ref(), now).await?;
        let (Some(asked), Some(found)) = (alone, found.into_iter().next()) else {
            return Ok(OcspAnswer::Live(der));
        };
        let tag = Tag::new(&der, now);
        let kept = Kept { der, tag, made: now, subject: found.subject, said: found.revoked };
        let kept = Arc::new(kept);
        self.ocsp.cache().put(asked.der(), kept.clone());
        Ok(said(&kept))
    }

    /// An answer that was given before, and is still right.
    fn kept(&self, asked: &CertId, now: Timestamp) -> Option<Arc<Kept>> {
        let kept = self.ocsp.cache().get(asked.der())?;
        let age = now.duration_since(kept.made);
        let fresh = !age.is_negative() && age < ANSWER_KEPT;
        (fresh && self.revoked_now(&kept.subject) == kept.said).then_some(kept)
    }

    /// The one authority that all these are of: there is one signature.
    fn asked_of(&self, certificates: &[CertId]) -> Result<AuthorityId, Failure> {
        let issuers = self.issuers();
        let mut of = certificates.iter().map(|asked| issuers.find(asked));
        let first = of.next().flatten().ok_or(Failure::Unauthorized)?;
        if of.all(|other| other == Some(first)) { Ok(first.clone()) } else { Err(Failure::Unauthorized) }
    }

    /// All that is asked about, if all of it was issued here.
    async fn find<'r>(
        &self,
        authority: &AuthorityId,
        certificates: &'r [CertId],
    ) -> Result<Vec<Found<'r>>, Failure> {
        let mut found = Vec::with_capacity(certificates.len());
        for asked in certificates {
            let serial = <[u8; 16]>::try_from(&*asked.serial).map_err(|_| Failure::Unauthorized)?;
            let issued = sql::issued(&self.db, authority, serial).await.map_err(|error| match error {
                StoreError::Closed => Failure::TryLater,
                error => {
                    tracing::warn!(%error, "OCSP request is not answered");
                    Failure::InternalError
                }
            })?;
            let subject = issued.ok_or(Failure::Unauthorized)?;
            found.push(Found { asked, revoked: self.revoked_now(&subject), subject });
        }
        Ok(found)
    }

    async fn sign_answer(
        &self,
        authority: &AuthorityId,
        found: &[Found<'_>],
        nonce: Option<&Nonce>,
        now: Timestamp,
    ) -> Result<Bytes, Failure> {
        let single = |found: &Found<'_>| (found.asked.der().to_vec(), found.revoked);
        let singles = found.iter().map(single).collect::<Vec<_>>();
        let singles = singles.iter().map(|(cert_id, revoked)| Single { cert_id, revoked: *revoked });
        let singles = singles.collect::<Vec<_>>();
        for _ in 0..ATTEMPTS_MAX {
            let responder = self.responders.get(authority).filter(|responder| responder.lasts(now));
            let Some(responder) = responder else { break };
            let data = response::data(&responder.key_hash, &singles, nonce, now);
            match self.keys.sign(&responder.key, &data).await {
                Ok(signature) => {
                    return Ok(response::response(&data, &signature, responder.certificate.der()).into());
                }
                Err(SignError::Missing(_)) => {}
                Err(SignError::Busy | SignError::Closed) => return Err(Failure::TryLater),
                Err(error @ SignError::Failed { .. }) => {
                    tracing::warn!(%error, "OCSP answer is not signed");
                    return Err(Failure::InternalError);
                }
            }
        }
        // An authority that tells no status any more has none; for others, one is being made.
        let tells = self.authority(authority).is_some_and(|it| it.status_key().is_some());
        Err(if tells { Failure::TryLater } else { Failure::Unauthorized })
    }

    fn revoked_now(&self, subject: &Subject) -> Option<Revocation> {
        self.is_revoked(&subject.authority, &subject.serial, subject.holder.as_ref())
    }

    fn issuers(&self) -> Arc<Issuers> {
        let tree = self.tree();
        let known = self.ocsp.issuers.read().unwrap_or_else(PoisonError::into_inner).clone();
        if known.is_of(&tree) {
            return known;
        }
        let issuers = Arc::new(Issuers::of(tree));
        *self.ocsp.issuers.write().unwrap_or_else(PoisonError::into_inner) = issuers.clone();
        issuers
    }
}

fn said(kept: &Kept) -> OcspAnswer {
    let expires = response::next_update(kept.made);
    OcspAnswer::Kept { der: kept.der.clone(), tag: kept.tag.clone(), expires }
}
