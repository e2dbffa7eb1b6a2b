//! Subscriptions made, restored and forgotten.

use jiff::{SignedDuration, Timestamp};
use muster_identity::DeviceId;
use muster_mqtt::QoS;
use muster_store::WriteError;
use serde_json::json;

use super::Subscriptions;
use crate::{
    limits::FILTERS_MAX,
    registry::{Device, sql},
    service::Hub,
    session::{Disconnect, Filter, Granted, Refused, Session, Subject, live::Persistence},
    settings::UnknownFilters,
};

/// How exactly the use of a persistent session is remembered: finer would be a write for every connection.
const SEEN_EVERY: SignedDuration = SignedDuration::from_hours(24);

impl Hub {
    /// Subscriptions of an earlier connection: in force again, or forgotten with CleanSession.
    pub(in crate::session) async fn restore(
        &self,
        device: &Device,
        clean_session: bool,
        now: Timestamp,
    ) -> Result<(Persistence, Option<Subscriptions>), Refused> {
        let unavailable = |error: WriteError| Refused::Unavailable(error.to_string());
        let stored = device.subscriptions.as_deref().map(Subscriptions::from_text);
        if clean_session {
            if stored.is_some() {
                self.keep(&device.id, &device.generation, None, now).await.map_err(unavailable)?;
            }
            return Ok((Persistence::Dropped, None));
        }
        if let Some(stored) = stored
            && device.session_seen.is_none_or(|seen| seen + SEEN_EVERY < now)
        {
            self.keep(&device.id, &device.generation, Some(stored), now).await.map_err(unavailable)?;
        }
        Ok((Persistence::Kept, stored))
    }

    async fn keep(
        &self,
        device: &DeviceId,
        generation: &str,
        subscriptions: Option<Subscriptions>,
        now: Timestamp,
    ) -> Result<bool, WriteError> {
        let hub = self.settings.name.as_str();
        let row = json!({
            "hub": hub,
            "id": device.as_str(),
            "generation": generation,
            "subscriptions": subscriptions.map(Subscriptions::to_text),
            "seen": subscriptions.map(|_| now.as_microsecond()),
        });
        self.db.put(&sql::SUBSCRIPTIONS, &sql::key(hub, device), row).await
    }

    pub(in crate::session) async fn subscribe(
        &self,
        session: &mut Session,
        filters: Vec<Filter>,
        now: Timestamp,
    ) -> Result<Vec<Granted>, Disconnect> {
        if filters.len() > FILTERS_MAX {
            return Err(Disconnect::TooManyFilters { count: filters.len(), max: FILTERS_MAX });
        }
        let mut subscriptions = session.subscriptions;
        let mut all = Vec::with_capacity(filters.len());
        for filter in filters {
            let qos = match (filter, self.settings.unknown_filters) {
                (Filter::Subject(subject, qos), _) => {
                    subscriptions.set(subject, Some(granted(qos)));
                    qos
                }
                (Filter::Unknown(filter, qos), UnknownFilters::Grant) => {
                    tracing::debug!(device = %session.device, filter, "granted a filter that is never served");
                    qos
                }
                (Filter::Unknown(filter, _), UnknownFilters::Disconnect) => {
                    return Err(Disconnect::UnknownFilter(filter));
                }
            };
            all.push(granted(qos));
        }
        self.subscribed(session, subscriptions, now).await?;
        Ok(all)
    }

    pub(in crate::session) async fn unsubscribe(
        &self,
        session: &mut Session,
        filters: Vec<Filter>,
        now: Timestamp,
    ) -> Result<(), Disconnect> {
        let mut subscriptions = session.subscriptions;
        for filter in filters {
            match filter {
                Filter::Subject(subject, _) => subscriptions.set(subject, None),
                Filter::Unknown(..) => {} // never had it; MQTT acknowledges all the same (3.10.4)
            }
        }
        self.subscribed(session, subscriptions, now).await
    }

    /// Durable before it is acknowledged, like everything.
    async fn subscribed(
        &self,
        session: &mut Session,
        subscriptions: Subscriptions,
        now: Timestamp,
    ) -> Result<(), Disconnect> {
        if session.subscriptions == subscriptions {
            return Ok(());
        }
        if session.persistence == Persistence::Kept {
            self.keep(&session.device, &session.shared.generation, Some(subscriptions), now)
                .await
                .map_err(|error| Disconnect::Unavailable(error.to_string()))?;
        }
        session.subscriptions = subscriptions;
        session.shared.listen(subscriptions.granted(Subject::DesiredChanges));
        Ok(())
    }
}

fn granted(qos: QoS) -> Granted {
    match qos {
        QoS::AtMostOnce => Granted::AtMostOnce,
        QoS::AtLeastOnce => Granted::AtLeastOnce,
    }
}
