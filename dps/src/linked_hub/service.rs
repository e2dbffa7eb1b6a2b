//! What a plan asks of the hubs: fetch the device's data, have it admitted, leave where it was.

use std::time::Duration;

use jiff::Timestamp;
use muster_identity::{Admission, Arrival as AtHub, Capabilities, DeviceId, DeviceState, HostName};
use serde_json::{Map, Value};
use tokio::time::{error::Elapsed, timeout};

use super::{HubError, LinkedHub, Obstacle};
use crate::{
    Dps,
    registration::{Arrival, Place, Plan},
    trace::Steps,
};

/// A hub that does not answer in this time is away.
const HUB_CALL_MAX: Duration = Duration::from_secs(10);
/// Others wait meanwhile, and what was not told is told later.
const TELLING_MAX: Duration = Duration::from_secs(2);

impl Dps {
    /// Safe to repeat: whatever was done before is found done.
    pub(crate) async fn act(
        &self,
        plan: &Plan,
        desired: &Map<String, Value>,
        now: Timestamp,
        steps: &mut Steps,
    ) -> Result<(), Obstacle> {
        let hub = self.hub(&plan.to.hub).ok_or(Obstacle::NotLinked)?;
        let (arrival, capabilities) = self.arrival(plan, steps).await?;
        let admission = Admission {
            device_id: plan.to.device.clone(),
            authentication: plan.authentication.clone(),
            capabilities,
            arrival,
            desired: desired.clone(),
        };
        answered(timeout(HUB_CALL_MAX, hub.admit(&admission, now)).await, HUB_CALL_MAX)?;
        Ok(())
    }

    pub(crate) async fn remove(&self, place: &Place) -> Result<(), Obstacle> {
        // A hub that is not linked any more has nothing that could be asked of it.
        let Some(hub) = self.hub(&place.hub) else { return Ok(()) };
        answered(timeout(HUB_CALL_MAX, hub.remove(&place.device)).await, HUB_CALL_MAX)
    }

    pub(crate) async fn tell(
        &self,
        place: &Place,
        desired: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<(), Obstacle> {
        let hub = self.hub(&place.hub).ok_or(Obstacle::NotLinked)?;
        answered(timeout(TELLING_MAX, hub.tell(&place.device, desired, now)).await, TELLING_MAX)
    }

    /// The same devices may be at several hubs.
    pub(crate) async fn certified(&self, devices: &[DeviceId]) -> Result<Vec<Place>, HubError> {
        let mut places = Vec::new();
        for link in &self.links {
            let hub = link.hub.host();
            let certified = link.hub.certified(devices).await?;
            places.extend(certified.into_iter().map(|device| Place { hub: hub.clone(), device }));
        }
        Ok(places)
    }

    /// Capabilities move with the device's data (dps.md §9.3); without data they are the enrollment's.
    async fn arrival(&self, plan: &Plan, steps: &mut Steps) -> Result<(AtHub, Capabilities), Obstacle> {
        let stay = |_: DeviceState| (AtHub::Stay, plan.capabilities);
        let found = match &plan.arrival {
            Arrival::Fresh => None,
            Arrival::Keep(sources) => match self.export(&plan.to).await?.map(stay) {
                Some(stay) => Some(stay),
                None => self.fetched(sources, steps).await?,
            },
            Arrival::Bring(sources) => match self.fetched(sources, steps).await? {
                Some(moved) => Some(moved),
                // The move itself was done, and the registration ended before it could say so.
                None => self.export(&plan.to).await?.map(stay),
            },
        };
        Ok(found.unwrap_or_else(|| (AtHub::Initial(plan.twin.clone()), plan.capabilities)))
    }

    async fn fetched(
        &self,
        sources: &[Place],
        steps: &mut Steps,
    ) -> Result<Option<(AtHub, Capabilities)>, Obstacle> {
        for place in sources {
            if let Some(state) = self.export(place).await? {
                steps.passed("migrate", format_args!("the device's data is taken from {}", place.hub));
                let capabilities = state.capabilities;
                return Ok(Some((AtHub::Migrated(Box::new(state)), capabilities)));
            }
        }
        Ok(None)
    }

    async fn export(&self, place: &Place) -> Result<Option<DeviceState>, Obstacle> {
        let Some(hub) = self.hub(&place.hub) else { return Ok(None) };
        answered(timeout(HUB_CALL_MAX, hub.export(&place.device)).await, HUB_CALL_MAX)
    }

    fn hub(&self, host: &HostName) -> Option<&dyn LinkedHub> {
        self.links.iter().map(|link| &*link.hub).find(|hub| hub.host() == host)
    }
}

/// No answer in time is one that may come later.
fn answered<T>(outcome: Result<Result<T, HubError>, Elapsed>, max: Duration) -> Result<T, Obstacle> {
    let late = || HubError::Unavailable(format!("no answer in {} s", max.as_secs()));
    Ok(outcome.map_err(|_elapsed| late())??)
}
