//! The handle: opened once, extended by every concept.

use std::sync::Arc;

use jiff::Timestamp;
use muster_identity::Entropy;
use muster_store::{Db, StoreError};

use crate::{Link, Settings};

/// The service. Cheap to share, safe to ask from any number of tasks.
pub struct Dps {
    pub(crate) settings: Settings,
    pub(crate) links: Vec<Link>,
    pub(crate) db: Db,
    pub(crate) entropy: Entropy,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("field `retry_after_s` is 0, devices would poll without a pause: give 1 or more")]
    NoPause,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Dps {
    /// Opens the service on its tables. Nothing moves before [`Dps::run`].
    pub async fn open(
        settings: Settings,
        links: Vec<Link>,
        db: Db,
        entropy: Entropy,
    ) -> Result<Arc<Self>, OpenError> {
        if settings.retry_after_s == 0 {
            return Err(OpenError::NoPause);
        }
        Ok(Arc::new(Self { settings, links, db, entropy }))
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What time alone brings: old traces and idle rate limits go. Answers when it wants to be called again.
    pub async fn tick(&self, now: Timestamp) -> Option<Timestamp> {
        let _ = (now, &self.links, &self.db);
        None
    }
}
