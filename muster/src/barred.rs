//! Devices whose holder is barred at the authority: what they are is no question of certificates, so no key of theirs opens a hub.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use muster_ca::Ca;
use muster_identity::{DeviceId, HostName};

/// Which holder a device at a hub is. As many as the authority has bars, which it keeps in memory too.
pub(crate) struct Barred {
    ca: Arc<Ca>,
    holders: RwLock<HashMap<(HostName, DeviceId), Arc<str>>>,
}

impl Barred {
    pub(crate) fn new(ca: Arc<Ca>) -> Self {
        Self { ca, holders: RwLock::default() }
    }

    pub(crate) fn put(&self, holder: &str, places: &[(HostName, DeviceId)]) {
        let holder: Arc<str> = holder.into();
        let mut holders = self.holders.write().unwrap_or_else(PoisonError::into_inner);
        holders.extend(places.iter().map(|place| (place.clone(), holder.clone())));
    }

    /// Why the device is not let in. The authority has the last word: whoever was readmitted is.
    pub(crate) fn why(&self, host: &HostName, device: &DeviceId) -> Option<String> {
        let holders = self.holders.read().unwrap_or_else(PoisonError::into_inner);
        if holders.is_empty() {
            return None; // nearly always, and then nothing is copied to look it up
        }
        let holder = holders.get(&(host.clone(), device.clone()))?;
        let bar = self.ca.barred(holder)?;
        Some(format!("`{holder}` was revoked at {} ({})", bar.at, bar.reason))
    }
}
