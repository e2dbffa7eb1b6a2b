//! The hubs an instance may assign devices to: the one trait of the house, because only `muster` knows both sides.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use muster_identity::{Admission, DeviceId, DeviceState, HostName};
use serde_json::{Map, Value};

mod service;

/// Everything here may be repeated: after a crash it is.
pub trait LinkedHub: Send + Sync {
    fn host(&self) -> &HostName;

    /// Creates the device or brings it to what the admission says.
    fn admit<'a>(
        &'a self,
        admission: &'a Admission,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Admitted, HubError>>;

    /// What moves with a device; `None` when the hub does not have it.
    fn export<'a>(&'a self, device: &'a DeviceId) -> BoxFuture<'a, Result<Option<DeviceState>, HubError>>;

    /// Merges into the device's desired properties, unless they say so already. Also well when the device is not there.
    fn tell<'a>(
        &'a self,
        device: &'a DeviceId,
        desired: &'a Map<String, Value>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<(), HubError>>;

    /// Those of these devices that it knows by certificates of an authority, whoever brought them there. None where that cannot
    /// be asked of many.
    fn certified<'a>(&'a self, devices: &'a [DeviceId]) -> BoxFuture<'a, Result<Vec<DeviceId>, HubError>>;

    /// Also well when the device is not there.
    fn remove<'a>(&'a self, device: &'a DeviceId) -> BoxFuture<'a, Result<(), HubError>>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    Created,
    Updated,
}

/// Why a hub did not do it, by whether asking again can help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// Asked again, with patience.
    #[error("hub cannot be reached now: {0}")]
    Unavailable(String),
    /// The hub does not accept our credentials for it.
    #[error("hub refuses this service: {0}")]
    Unauthorized(String),
    /// The hub will not take this device, and not later either.
    #[error("hub refuses the device: {0}")]
    Refused(String),
}

/// One linked hub, and its part in allocation.
#[derive(Clone)]
pub struct Link {
    pub hub: Arc<dyn LinkedHub>,
    /// 1 to 1000.
    pub weight: u32,
    /// False: keeps its devices, gets no new ones (dps.md §8, `applyAllocationPolicy`).
    pub allocatable: bool,
}

/// Why a plan cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Obstacle {
    #[error("the hub is not linked any more")]
    NotLinked,
    #[error(transparent)]
    Hub(#[from] HubError),
}

impl Obstacle {
    /// What stands inside the registration's state (dps.md §2.1).
    pub(crate) fn code(&self) -> u32 {
        match self {
            Self::NotLinked => 400_209,
            Self::Hub(HubError::Refused(_)) => 400_000,
            Self::Hub(HubError::Unauthorized(_)) => 401_002,
            Self::Hub(HubError::Unavailable(_)) => 500_001,
        }
    }

    pub(crate) fn fix(&self) -> &'static str {
        match self {
            Self::NotLinked => "link the hub again, or let the device register again",
            Self::Hub(HubError::Refused(_)) => "see what the hub says about the device",
            Self::Hub(HubError::Unauthorized(_)) => {
                "give the link a connection string whose policy may write the registry"
            }
            Self::Hub(HubError::Unavailable(_)) => {
                "see that the hub runs and can be reached, the device will try again"
            }
        }
    }
}
