//! A device reminded, by the hub where it is.

use jiff::Timestamp;
use muster_ca::{Ca, Stage, Stored};
use muster_identity::RegistrationId;
use serde_json::{Map, Value};

use super::{NotReminded, device_id, profiles_that_count, sql, told_in_twin, worker::Away};
use crate::{
    Dps, HubError,
    enrollment::{CredentialPolicy, EnrollmentKind, sql::UnreadableRow},
    linked_hub::Obstacle,
    registration::{Place, Record},
};

/// Certificates that come while a device is told of the one before.
const ATTEMPTS_MAX: usize = 4;

impl Dps {
    /// Says in the device's twin what is true of its newest certificate. Safe to repeat, also by others at the same time: whoever
    /// wrote looks whether it was the newest still, so the last one who writes has it right.
    pub(super) async fn remind(
        &self,
        ca: &Ca,
        holder: &str,
        away: &Away,
        now: Timestamp,
    ) -> Result<(), NotReminded> {
        let known = match RegistrationId::parse(holder) {
            Ok(id) => self.policy_of(&id).await?,
            Err(_) => None,
        };
        let (record, policy) = known.unzip();
        let policy = policy.flatten();
        let for_clients = profiles_for_clients(ca);
        let profiles = profiles_that_count(policy.as_ref(), &for_clients);
        let mut told = None;
        for _ in 0..ATTEMPTS_MAX {
            let newest = ca.newest(holder, &profiles).await?;
            let newest = newest.filter(|newest| told.as_ref() != Some(&newest.serial));
            let Some(Stored { serial, stage: Stage::Issued { certificate, .. }, .. }) = newest else {
                return Ok(());
            };
            let places: Vec<_> = match &record {
                Some(record) => record.whereabouts().cloned().collect(),
                None => {
                    let device = device_id(holder, certificate.common_name());
                    self.certified(device.as_slice()).await?
                }
            };
            for place in &places {
                self.tell_at(place, &told_in_twin(&certificate), away, now).await?;
            }
            told = Some(serial);
        }
        Err(NotReminded::Changing)
    }

    /// A device that arrives was told of the certificate of its registration, or of none. If it has a newer one by now, it is
    /// due; where it arrives must be on record by then.
    pub(crate) async fn remind_of_others(
        &self,
        id: &RegistrationId,
        told: Option<[u8; 16]>,
        now: Timestamp,
    ) -> Result<(), NotReminded> {
        let Some(ca) = &self.ca else { return Ok(()) };
        let for_clients = profiles_for_clients(ca);
        let newest = ca.newest(&id.folded(), &profiles_that_count(None, &for_clients)).await?;
        if newest.is_none_or(|newest| told == Some(newest.serial)) {
            return Ok(());
        }
        let due = sql::remind([id.folded().as_str()], &self.mark(), now);
        self.db.write(due.into_iter().collect()).await?;
        self.reminders.notify_one();
        Ok(())
    }

    /// By which it is seen that a device is due once more.
    pub(super) fn mark(&self) -> String {
        let mut mark = [0; 8];
        (self.entropy)(&mut mark);
        hex::encode(mark)
    }

    async fn tell_at(
        &self,
        place: &Place,
        desired: &Map<String, Value>,
        away: &Away,
        now: Timestamp,
    ) -> Result<(), NotReminded> {
        if away.has(&place.hub, now) {
            return Err(NotReminded::Away);
        }
        match self.tell(place, desired, now).await {
            Ok(()) => Ok(()),
            // Who links it again admits its devices anew.
            Err(Obstacle::NotLinked) => Ok(()),
            Err(Obstacle::Hub(error @ HubError::Refused(_))) => {
                tracing::warn!(hub = %place.hub, device = %place.device, %error, "a twin does not say when to renew");
                Ok(())
            }
            Err(Obstacle::Hub(error @ (HubError::Unavailable(_) | HubError::Unauthorized(_)))) => {
                away.put(&place.hub, now);
                Err(error.into())
            }
        }
    }

    /// The registration, and the policy of its enrollment as it is now.
    async fn policy_of(
        &self,
        id: &RegistrationId,
    ) -> Result<Option<(Record, Option<CredentialPolicy>)>, UnreadableRow> {
        let loaded = self.load(id).await?;
        let Some(record) = loaded.registration.map(|registration| registration.record) else {
            return Ok(None);
        };
        let name = &record.enrollment;
        let policy = match name.kind {
            EnrollmentKind::Individual => loaded.individual.and_then(|it| it.credential_policy),
            EnrollmentKind::Group => {
                let groups = self.groups(loaded.generation).await?;
                let group = groups.iter().find(|group| *group.id() == name.id);
                group.and_then(|group| group.credential_policy.clone())
            }
        };
        Ok(Some((record, policy)))
    }
}

fn profiles_for_clients(ca: &Ca) -> Vec<String> {
    ca.profiles().iter().filter(|it| it.is_for_clients()).map(|it| it.id.name.clone()).collect()
}
