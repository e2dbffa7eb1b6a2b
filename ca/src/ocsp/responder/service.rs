//! Responders made, and followed by others.

use jiff::{SignedDuration, Timestamp};

use muster_store::Db;

use super::{RENEW_BELOW, Responder, ResponderError, ResponderReadError, Responders, certificate, sql};
use crate::{
    Ca, Caller,
    hierarchy::{Authority, certify::fresh_serial},
    issuance::Signing,
    keys::{KeyKind, KeyName, KeyPlace, KeyRef},
};

/// What failed is tried again.
const RETRY_AFTER: SignedDuration = SignedDuration::from_mins(1);
/// Near an authority's own end there is nothing to gain by another certificate.
const GAIN_MIN: SignedDuration = SignedDuration::from_hours(1);

impl Responders {
    pub(crate) async fn open(db: &Db) -> Result<Self, ResponderReadError> {
        Ok(Self::of(sql::responders(db).await?))
    }
}

impl Ca {
    /// A responder for each authority, and the next one in time; tells when there is more to do.
    pub(crate) async fn tick_responders(&self, now: Timestamp) -> Option<Timestamp> {
        self.settings.base_url.as_ref()?;
        // Two at once would make the same one, and the second would destroy the key of the first.
        let _making = self.responders.making.lock().await;
        let mut next = None::<Timestamp>;
        for authority in self.tree().iter() {
            if let Some(failed) = self.responders.failed_until(&authority.id).filter(|until| now < *until) {
                next = Some(next.map_or(failed, |next| next.min(failed)));
                continue;
            }
            let due = match self.keep_responder(authority, now).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(authority = %authority.id, %error, "authority has no new OCSP responder");
                    let until = now.saturating_add(RETRY_AFTER).unwrap_or(now);
                    self.responders.fail_until(&authority.id, until);
                    Some(until)
                }
            };
            next = [next, due].into_iter().flatten().min();
        }
        next
    }

    async fn keep_responder(
        &self,
        authority: &Authority,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, ResponderError> {
        let (Some(key), Some(issuer)) = (authority.status_key(), &authority.certificate) else {
            return Ok(None);
        };
        // Nothing that it signs now would be taken.
        if issuer.not_after() <= now {
            return Ok(None);
        }
        let current = self.responders.get(&authority.id);
        let due = current.as_ref().and_then(|it| it.certificate.not_after().checked_sub(RENEW_BELOW).ok());
        if let (Some(current), Some(due)) = (&current, due) {
            let gains = certificate::validity(issuer, now).not_after;
            let gains = gains.duration_since(current.certificate.not_after()) > GAIN_MIN;
            if current.lasts(now) && (now < due || !gains) {
                return Ok(Some(due).filter(|due| *due > now));
            }
        }
        let number = current.as_ref().map_or(0, |current| current.number).saturating_add(1);
        let made = self.make_responder(authority, (key, issuer), number, now).await?;
        let due = made.certificate.not_after().checked_sub(RENEW_BELOW).ok();
        if let Some(before) = self.responders.put(&authority.id, made) {
            // Whoever signs with it at this moment tries again with the next.
            self.keys.destroy(&before.key).await?;
        }
        Ok(due.filter(|due| *due > now))
    }

    async fn make_responder(
        &self,
        authority: &Authority,
        (issuer_key, issuer): (&KeyRef, &muster_x509::Certificate),
        number: u32,
        now: Timestamp,
    ) -> Result<Responder, ResponderError> {
        let name = KeyName::parse(&format!("ocsp.{}.{number}", authority.id))?;
        let issuer_public = self.keys.public(issuer_key)?;
        // A file does, for it lasts days. Found, when a start was cut short.
        let key = self.keys.provide(kind(issuer_public.kind()), name, KeyPlace::File).await?;
        let public = self.keys.public(&key)?;
        let serial = fresh_serial(&self.entropy);
        let tbs = certificate::tbs((&authority.id, number), issuer, (&public, &issuer_public), serial, now)?;
        let signing = Signing { authority, key: issuer_key, profile: "ocsp" };
        let certificate = self.sign_recorded(&signing, tbs, &Caller::process(), now).await?;
        let responder = Responder::new(number, key, certificate);
        self.db.write(vec![sql::put(&authority.id, &responder)]).await?;
        Ok(responder)
    }
}

/// Who can check the authority's signatures can check its responder's.
fn kind(issuer: KeyKind) -> KeyKind {
    match issuer {
        KeyKind::P256 | KeyKind::P384 | KeyKind::Ed25519 => KeyKind::P256,
        KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => KeyKind::Rsa2048,
    }
}
