//! Devices that show what their manufacturer gave them.

use jiff::Timestamp;

use muster_x509::{Certificate, Malformed, Peer};

use super::Trust;
use crate::{
    Action, Ca, Caller, Credential, Decision, Entry, EstLabel, SubjectFacts,
    est::{
        enroll::{EnrollError, Presented},
        entrance::SignInError,
    },
};

impl Ca {
    /// What a device is called by the certificate it was born with. Strangers who show one after another wait.
    pub(in crate::est) async fn born_with(
        &self,
        label: &EstLabel,
        trust: &Trust,
        presented: &Presented,
        actor: &mut Caller,
        now: Timestamp,
    ) -> Result<SubjectFacts, EnrollError> {
        let chain = read(&presented.chain).map_err(|_| EnrollError::NobodyKnown)?;
        let leaf = chain.first().ok_or(EnrollError::NobodyKnown)?;
        let sha256 = leaf.sha256().to_string();
        actor.name = leaf.subject().to_owned();
        actor.credential = Credential::Idevid { label: label.name.clone(), sha256 };
        if let Some(left) = self.est.attempts.wait_for_strangers(presented.from, now) {
            let error = SignInError::wait(left);
            let object = format!("est/{}", label.name);
            let entry = Entry::new(actor, Action::SignIn, object, Decision::Refused);
            self.audit(entry.because(error.to_string()), now).await?;
            return Err(error.into());
        }
        if let Err(error) = trust.judge(&chain, now) {
            self.est.attempts.was_stranger(presented.from, now);
            return Err(EnrollError::Untrusted(error));
        }
        let facts = trust.facts(leaf)?;
        actor.name = facts.common_name.clone().unwrap_or_default();
        Ok(facts)
    }
}

impl Ca {
    /// What a client that asks before it asks is called, as far as it shows that; nothing is decided.
    pub(in crate::est) fn known_by_birth(
        &self,
        label: &EstLabel,
        peer: Option<&Peer>,
        now: Timestamp,
    ) -> SubjectFacts {
        let known = || {
            let (peer, trust) = (peer?, self.est.book().trust(&label.name)?);
            let chain = peer.certificates().ok()?;
            let leaf = chain.first()?;
            if self.est.attempts.wait_for_strangers(Some(peer.address), now).is_some() {
                return None;
            }
            if trust.judge(&chain, now).is_err() {
                self.est.attempts.was_stranger(Some(peer.address), now);
                return None;
            }
            trust.facts(leaf).ok()
        };
        known().unwrap_or_default()
    }
}

impl Trust {
    pub(in crate::est) fn anchors_any(&self, chain: &[Vec<u8>], now: Timestamp) -> bool {
        read(chain).is_ok_and(|chain| self.judge(&chain, now).is_ok())
    }
}

fn read(chain: &[Vec<u8>]) -> Result<Vec<Certificate>, Malformed> {
    chain.iter().map(|der| Certificate::parse(der)).collect()
}
