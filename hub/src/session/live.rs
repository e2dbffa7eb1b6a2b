//! One live session: what its connection owns.

use std::sync::Arc;

use jiff::Timestamp;
use muster_identity::DeviceId;

use super::Disconnect;

pub struct Session {
    device: DeviceId,
    name: Arc<str>,
}

impl Session {
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// When this session ends unless something is heard; ask again after every `handle`.
    pub fn deadline(&self) -> Timestamp {
        Timestamp::MAX
    }

    /// What the passing of the deadline means.
    pub fn overdue(&self, _now: Timestamp) -> Option<Disconnect> {
        None
    }

    /// Why the hub ended this session, once it did.
    pub fn cut(&self) -> Option<Disconnect> {
        let _ = &self.name;
        None
    }
}
