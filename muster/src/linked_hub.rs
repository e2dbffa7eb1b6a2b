//! Where DPS and hubs meet: a hub of this process, or one elsewhere by its REST API.

mod remote;

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Map, Value};

use muster_dps::{Admitted, HubError, LinkedHub};
use muster_hub::{AdmitError, ExportError, Hub, RemoveError};
use muster_identity::{Admission, DeviceId, DeviceState, HostName};

use crate::listen::now;

pub use remote::RemoteError;

pub(crate) use remote::Remote;

pub(crate) struct InProcess {
    hub: Arc<Hub>,
}

impl InProcess {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { hub }
    }
}

impl LinkedHub for InProcess {
    fn host(&self) -> &HostName {
        &self.hub.settings().host
    }

    fn admit<'a>(
        &'a self,
        admission: &'a Admission,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Admitted, HubError>> {
        Box::pin(async move {
            match self.hub.admit(admission, now).await {
                Ok(muster_hub::Admitted::Created) => Ok(Admitted::Created),
                Ok(muster_hub::Admitted::Updated) => Ok(Admitted::Updated),
                Err(error @ AdmitError::TooManyDevices { .. }) => Err(HubError::Refused(error.to_string())),
                Err(error @ AdmitError::Store(_)) => Err(HubError::Unavailable(error.to_string())),
            }
        })
    }

    fn export<'a>(&'a self, device: &'a DeviceId) -> BoxFuture<'a, Result<Option<DeviceState>, HubError>> {
        Box::pin(async move {
            self.hub.export(device).await.map_err(|error| match error {
                ExportError::Store(_) => HubError::Unavailable(error.to_string()),
                ExportError::Damaged(_) => HubError::Refused(error.to_string()),
            })
        })
    }

    fn tell<'a>(
        &'a self,
        device: &'a DeviceId,
        desired: &'a Map<String, Value>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), HubError>> {
        Box::pin(async move {
            let told = self.hub.tell(device, desired, now).await;
            told.map_err(|error| HubError::Unavailable(error.to_string()))
        })
    }

    fn certified<'a>(&'a self, devices: &'a [DeviceId]) -> BoxFuture<'a, Result<Vec<DeviceId>, HubError>> {
        Box::pin(async move {
            let certified = self.hub.certified(devices).await;
            certified.map_err(|error| HubError::Unavailable(error.to_string()))
        })
    }

    fn remove<'a>(&'a self, device: &'a DeviceId) -> BoxFuture<'a, Result<(), HubError>> {
        Box::pin(async move {
            self.hub.remove(device, now()).await.map_err(|error| match error {
                RemoveError::Store(_) => HubError::Unavailable(error.to_string()),
            })
        })
    }
}
