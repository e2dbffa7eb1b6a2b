//! The handle: opening a hub, and what is done from time to time.

use std::sync::Arc;

use jiff::Timestamp;
use muster_events::Log;
use muster_identity::Entropy;
use muster_store::Db;

use crate::settings::Settings;

pub struct Hub {
    pub(crate) settings: Settings,
    pub(crate) db: Db,
    pub(crate) log: Log,
    pub(crate) entropy: Entropy,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{count} CA certificates, at most {max}")]
    CaCertificates { count: usize, max: usize },
    #[error("registry could not be read: {0}")]
    Store(#[from] muster_store::StoreError),
}

impl Hub {
    pub async fn open(
        settings: Settings,
        db: Db,
        log: Log,
        entropy: Entropy,
    ) -> Result<Arc<Self>, OpenError> {
        Ok(Arc::new(Self { settings, db, log, entropy }))
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Retention of the log, expiry of sessions. Returns when it wants to be called again.
    pub async fn tick(&self, _now: Timestamp) -> Option<Timestamp> {
        let _ = (&self.db, &self.entropy);
        None
    }
}
