//! Use cases of the registry.

use std::sync::atomic::Ordering::Relaxed;

use jiff::Timestamp;
use muster_identity::{Admission, Arrival, DeviceId, DeviceState};
use muster_store::{Value, WriteError};
use serde_json::{Map, json};

use super::{
    AdmitError, Admitted, Device, DeviceRequest, ExportError, IfMatch, ReadError, RegistryError, RemoveError,
    admission::{self, Chance, NewIdentity, NewTwin, new_row},
    request::Invalid,
    sql,
};
use crate::{service::Hub, twin::TwinRefusal};

/// Another writer may be faster; not this often, unless something is wrong.
const ATTEMPTS_MAX: usize = 8;
/// Devices of one listing (hub-service.md §2.2).
pub(crate) const LIST_MAX: u32 = 1000;

pub(crate) struct DeviceCounts {
    pub total: u64,
    pub enabled: u64,
}

impl Hub {
    /// Creates the device, or gives it the authentication of this admission. Safe to repeat. One row, one put: what a
    /// first boot waits for.
    pub async fn admit(&self, admission: &Admission, now: Timestamp) -> Result<Admitted, AdmitError> {
        let id = &admission.device_id;
        if let Err(max) = self.room() {
            self.find_device(id).await?.ok_or(AdmitError::TooManyDevices { max })?;
        }
        let hub = self.settings.name.as_str();
        let (rows, row) = admission::row(hub, admission, self.chance(), now);
        match self.db.put(rows, &sql::key(hub, id), row).await? {
            true => {
                self.devices.fetch_add(1, Relaxed);
                self.sessions.count_change(id);
                if matches!(admission.arrival, Arrival::Migrated(_)) {
                    self.tell(id, &admission.desired, now).await?; // the others begin with it
                }
                Ok(Admitted::Created)
            }
            false => {
                self.twins.forget(id); // a migrated one may have replaced it
                self.sessions.count_change(id);
                if self.sessions.is_connected(id)
                    && let Some(device) = self.find_device(id).await?
                {
                    self.sessions.recheck(&device, now);
                }
                self.tell(id, &admission.desired, now).await?;
                Ok(Admitted::Updated)
            }
        }
    }

    /// The device with its twin, to take it to another hub; `None` when it is not here.
    pub async fn export(&self, id: &DeviceId) -> Result<Option<DeviceState>, ExportError> {
        let Some(device) = self.find_device(id).await? else { return Ok(None) };
        let state = match self.load_twin(id).await {
            Ok(twin) => twin.state(device.capabilities),
            Err(TwinRefusal::NotFound) => return Ok(None), // deleted between the two reads
            Err(error) => Err(error),
        };
        state.map(Some).map_err(|error| ExportError::Damaged(error.to_string()))
    }

    /// Deletes the device and cuts its session. Safe to repeat.
    pub async fn remove(&self, id: &DeviceId, now: Timestamp) -> Result<(), RemoveError> {
        let deleted = self.db.write(vec![sql::delete(self.settings.name.as_str(), id)]).await?;
        self.removed(id, deleted.first().copied().unwrap_or(0), now);
        Ok(())
    }

    pub(crate) async fn find_device(&self, id: &DeviceId) -> Result<Option<Device>, ReadError> {
        let args = [self.settings.name.as_str().into(), id.as_str().into()];
        let rows = self.db.fetch(sql::FIND, &args).await?;
        rows.first().map(sql::device).transpose()
    }

    /// Those of these devices that are here and known by certificates of an authority.
    pub async fn certified(&self, devices: &[DeviceId]) -> Result<Vec<DeviceId>, ReadError> {
        let mut certified = Vec::new();
        for part in devices.chunks(sql::CERTIFIED_MAX) {
            let mut args = vec![Value::from(self.settings.name.as_str())];
            args.extend(part.iter().map(|id| Value::from(id.as_str())));
            args.resize(1 + sql::CERTIFIED_MAX, Value::NoText);
            let rows = self.db.fetch(sql::CERTIFIED, &args).await?;
            for row in &rows {
                let id = row.text("id")?;
                certified.extend(part.iter().find(|it| it.as_str() == id).cloned());
            }
        }
        Ok(certified)
    }

    pub(crate) async fn list_devices(&self, top: u32) -> Result<Vec<Device>, ReadError> {
        let args = [self.settings.name.as_str().into(), top.clamp(1, LIST_MAX).into()];
        self.db.fetch(sql::LIST, &args).await?.iter().map(sql::device).collect()
    }

    pub(crate) async fn device_counts(&self) -> Result<DeviceCounts, ReadError> {
        let rows = self.db.fetch(sql::COUNT, &[self.settings.name.as_str().into()]).await?;
        match rows.first() {
            Some(row) => {
                Ok(DeviceCounts { total: sql::count(row, "total")?, enabled: sql::count(row, "enabled")? })
            }
            None => Ok(DeviceCounts { total: 0, enabled: 0 }),
        }
    }

    /// PUT without `If-Match`.
    pub(crate) async fn create_device(
        &self,
        id: &DeviceId,
        request: DeviceRequest,
        now: Timestamp,
    ) -> Result<Device, RegistryError> {
        self.room().map_err(|max| RegistryError::TooManyDevices { max })?;
        if request.scope.is_some() {
            return Err(Invalid::Scope.into());
        }
        let authentication = request.authentication.settle(&self.entropy);
        let identity = NewIdentity {
            id,
            status: request.status,
            status_reason: request.status_reason.as_deref(),
            authentication: &authentication,
            capabilities: request.capabilities,
        };
        let hub = self.settings.name.as_str();
        let twin = NewTwin::initial(&Map::new(), &Map::new(), now);
        let row = new_row(hub, &identity, twin, self.chance(), now);
        match self.db.put(&sql::CREATE, &sql::key(hub, id), row).await? {
            true => {
                self.devices.fetch_add(1, Relaxed);
                self.find_device(id).await?.ok_or_else(|| RegistryError::NotFound(id.to_string()))
            }
            false => Err(RegistryError::Exists(id.to_string())),
        }
    }

    /// PUT with `If-Match`: replaces all that can be set.
    pub(crate) async fn update_device(
        &self,
        id: &DeviceId,
        request: DeviceRequest,
        if_match: &IfMatch,
        now: Timestamp,
    ) -> Result<Device, RegistryError> {
        let authentication = request.authentication.settle(&self.entropy);
        for _ in 0..ATTEMPTS_MAX {
            let device = self.expected(id, if_match).await?;
            if request.scope.is_some() && request.scope != device.scope() {
                return Err(Invalid::Scope.into());
            }
            let status_updated = match request.status == device.status {
                true => device.status_updated,
                false => Some(now),
            };
            let was = device.etag;
            let device = Device {
                etag: was + 1,
                status: request.status,
                status_reason: request.status_reason.clone(),
                status_updated,
                authentication: authentication.clone(),
                capabilities: request.capabilities,
                ..device
            };
            let stored = json!(device.authentication).to_string();
            match self.db.write(vec![sql::update(self.settings.name.as_str(), &device, was, stored)]).await {
                Ok(_) => {
                    self.sessions.recheck(&device, now);
                    return Ok(device);
                }
                Err(WriteError::Unmet { .. }) => {} // somebody was faster: look again
                Err(error) => return Err(error.into()),
            }
        }
        Err(RegistryError::Contended)
    }

    pub(crate) async fn delete_device(
        &self,
        id: &DeviceId,
        if_match: Option<&IfMatch>,
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        let if_match = if_match.ok_or(RegistryError::EtagMissing)?;
        for _ in 0..ATTEMPTS_MAX {
            let device = self.expected(id, if_match).await?;
            match self.db.write(vec![sql::delete_if(self.settings.name.as_str(), id, device.etag)]).await {
                Ok(_) => {
                    self.removed(id, 1, now);
                    return Ok(());
                }
                Err(WriteError::Unmet { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(RegistryError::Contended)
    }

    async fn expected(&self, id: &DeviceId, if_match: &IfMatch) -> Result<Device, RegistryError> {
        let device = self.find_device(id).await?.ok_or_else(|| RegistryError::NotFound(id.to_string()))?;
        let existing = device.etag_text();
        match if_match.judge(&existing) {
            Ok(()) => Ok(device),
            Err(given) => Err(RegistryError::Precondition { existing, given }),
        }
    }

    fn removed(&self, id: &DeviceId, rows: u64, now: Timestamp) {
        self.devices.fetch_sub(i64::try_from(rows).unwrap_or(0), Relaxed);
        self.twins.forget(id);
        self.sessions.forget(id, now);
    }

    /// `Err` is the limit.
    fn room(&self) -> Result<(), u64> {
        let max = self.settings.limits.devices_max;
        match u64::try_from(self.devices.load(Relaxed)).unwrap_or(0) < max {
            true => Ok(()),
            false => Err(max),
        }
    }

    fn chance(&self) -> Chance {
        Chance { etag: u32::from_le_bytes(self.random()), mark: u64::from_le_bytes(self.random()) }
    }
}
