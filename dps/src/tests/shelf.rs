//! A hub as seen from here: a shelf of devices. The peer behind our one trait, not a copy of our own hub.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use futures::future::BoxFuture;
use jiff::Timestamp;
use muster_identity::{Admission, Arrival, Authentication, DeviceId, DeviceState, HostName, Section};
use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::{Admitted, HubError, LinkedHub};

pub(crate) struct Shelf {
    host: HostName,
    inner: Mutex<Inner>,
    released: Notify,
}

#[derive(Default)]
struct Inner {
    devices: BTreeMap<String, (Authentication, DeviceState)>,
    admissions: usize,
    told: usize,
    mood: Mood,
}

#[derive(Clone, Default)]
pub(crate) enum Mood {
    #[default]
    Well,
    Fails(HubError),
    /// Does what it is asked and does not answer before it is well again.
    Silent,
}

impl Shelf {
    pub(crate) fn new(host: &str) -> Arc<Self> {
        let host = HostName::parse(host).unwrap();
        Arc::new(Self { host, inner: Mutex::default(), released: Notify::new() })
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.inner.lock().unwrap().mood = mood;
        self.released.notify_waiters();
    }

    pub(crate) fn devices(&self) -> Vec<String> {
        self.inner.lock().unwrap().devices.keys().cloned().collect()
    }

    pub(crate) fn admissions(&self) -> usize {
        self.inner.lock().unwrap().admissions
    }

    /// A device that the operator made at the hub itself.
    pub(crate) fn make(&self, device: &str, authentication: Authentication) {
        let made = (authentication, DeviceState::default());
        self.inner.lock().unwrap().devices.insert(device.to_owned(), made);
    }

    /// How often it was asked to write a twin and nothing else.
    pub(crate) fn told(&self) -> usize {
        self.inner.lock().unwrap().told
    }

    pub(crate) fn authentication(&self, device: &str) -> Authentication {
        self.inner.lock().unwrap().devices[device].0.clone()
    }

    pub(crate) fn state(&self, device: &str) -> DeviceState {
        self.inner.lock().unwrap().devices[device].1.clone()
    }

    /// The device reports something.
    pub(crate) fn report(&self, device: &str, name: &str) {
        let mut inner = self.inner.lock().unwrap();
        let (_, state) = inner.devices.get_mut(device).unwrap();
        state.reported.properties.insert(name.to_owned(), true.into());
    }

    pub(crate) fn delete(&self, device: &str) {
        self.inner.lock().unwrap().devices.remove(device);
    }

    async fn mood(&self) -> Result<(), HubError> {
        loop {
            let released = self.released.notified();
            let mood = self.inner.lock().unwrap().mood.clone();
            match mood {
                Mood::Well => return Ok(()),
                Mood::Fails(error) => return Err(error),
                Mood::Silent => released.await,
            }
        }
    }

    fn take(&self, admission: &Admission) -> Admitted {
        let mut inner = self.inner.lock().unwrap();
        inner.admissions += 1;
        let existing = inner.devices.remove(admission.device_id.as_str());
        let admitted = if existing.is_some() { Admitted::Updated } else { Admitted::Created };
        let mut state = match (&admission.arrival, existing) {
            (Arrival::Migrated(state), _) => (**state).clone(),
            (Arrival::Initial(_) | Arrival::Stay, Some((_, state))) => state,
            (Arrival::Initial(twin), None) => DeviceState {
                tags: twin.tags.clone(),
                desired: Section { properties: twin.desired.clone(), ..Section::default() },
                ..DeviceState::default()
            },
            (Arrival::Stay, None) => DeviceState::default(),
        };
        state.capabilities = admission.capabilities;
        state.desired.properties.extend(admission.desired.clone());
        inner.devices.insert(admission.device_id.to_string(), (admission.authentication.clone(), state));
        admitted
    }
}

impl LinkedHub for Shelf {
    fn host(&self) -> &HostName {
        &self.host
    }

    fn admit<'a>(
        &'a self,
        admission: &'a Admission,
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<Admitted, HubError>> {
        Box::pin(async move {
            if matches!(self.inner.lock().unwrap().mood, Mood::Silent) {
                self.take(admission);
            }
            self.mood().await?;
            Ok(self.take(admission))
        })
    }

    fn export<'a>(&'a self, device: &'a DeviceId) -> BoxFuture<'a, Result<Option<DeviceState>, HubError>> {
        Box::pin(async move {
            self.mood().await?;
            Ok(self.inner.lock().unwrap().devices.get(device.as_str()).map(|(_, state)| state.clone()))
        })
    }

    fn tell<'a>(
        &'a self,
        device: &'a DeviceId,
        desired: &'a Map<String, Value>,
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<(), HubError>> {
        Box::pin(async move {
            self.mood().await?;
            let mut inner = self.inner.lock().unwrap();
            inner.told += 1;
            if let Some((_, state)) = inner.devices.get_mut(device.as_str()) {
                state.desired.properties.extend(desired.clone());
            }
            Ok(())
        })
    }

    fn certified<'a>(&'a self, devices: &'a [DeviceId]) -> BoxFuture<'a, Result<Vec<DeviceId>, HubError>> {
        Box::pin(async move {
            let inner = self.inner.lock().unwrap();
            let is_certified = |id: &&DeviceId| {
                let found = inner.devices.get(id.as_str());
                found.is_some_and(|(known_by, _)| *known_by == Authentication::CertificateAuthority)
            };
            Ok(devices.iter().filter(is_certified).cloned().collect())
        })
    }

    fn remove<'a>(&'a self, device: &'a DeviceId) -> BoxFuture<'a, Result<(), HubError>> {
        Box::pin(async move {
            self.mood().await?;
            self.inner.lock().unwrap().devices.remove(device.as_str());
            Ok(())
        })
    }
}
