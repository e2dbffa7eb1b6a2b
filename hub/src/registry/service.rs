//! Use cases of the registry.

use jiff::Timestamp;
use muster_identity::{Admission, DeviceId, DeviceState};

use super::{AdmitError, Admitted, ExportError, RemoveError};
use crate::service::Hub;

impl Hub {
    /// Creates the device, or gives it the authentication of this admission. Safe to repeat.
    pub async fn admit(&self, _admission: &Admission, _now: Timestamp) -> Result<Admitted, AdmitError> {
        Ok(Admitted::Created)
    }

    /// The device with its twin, to take it to another hub; `None` when it is not here.
    pub async fn export(&self, _device: &DeviceId) -> Result<Option<DeviceState>, ExportError> {
        Ok(None)
    }

    /// Deletes the device and cuts its session. Safe to repeat.
    pub async fn remove(&self, _device: &DeviceId, _now: Timestamp) -> Result<(), RemoveError> {
        Ok(())
    }
}
