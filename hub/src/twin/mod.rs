//! Twins: tags and desired properties of the back end, reported properties of the device (hub-device.md §7).

mod document;
mod edit;
pub(crate) mod limits;
pub(crate) mod patch;
mod service;
pub(crate) mod sql;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use muster_identity::{Capabilities, DeviceState};
use serde_json::{Map, Value};

pub(crate) use document::{Liveness, device_view, service_view};
pub(crate) use edit::{Edit, Method, Notice, Report, stored};
pub use patch::says;
pub(crate) use service::Twins;

/// Where the etag counter of a twin begins.
pub(crate) const FIRST_ETAG: u64 = 1;

/// A stored twin. The documents stay text: most of them are passed on, few are looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Twin {
    /// Of the device it belongs to: a deleted device's twin never becomes another's.
    pub generation: Arc<str>,
    /// Moves with every change; writes are conditional on it.
    pub version: u64,
    /// Moves with tags and desired properties.
    pub etag: u64,
    pub tags: String,
    pub desired: StoredSection,
    pub reported: StoredSection,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredSection {
    pub properties: String,
    pub metadata: String,
    pub version: u64,
}

impl Twin {
    /// For the move to another hub.
    pub(crate) fn state(&self, capabilities: Capabilities) -> Result<DeviceState, TwinRefusal> {
        Ok(DeviceState {
            tags: edit::object(&self.tags)?,
            desired: edit::section(&self.desired)?,
            reported: edit::section(&self.reported)?,
            capabilities,
        })
    }

    /// Whether these desired properties are there already, just so.
    pub(crate) fn says(&self, desired: &Map<String, Value>) -> Result<bool, TwinRefusal> {
        Ok(patch::says(&edit::object(&self.desired.properties)?, desired))
    }

    pub(crate) fn text_bytes(&self) -> usize {
        let section = |section: &StoredSection| section.properties.len() + section.metadata.len();
        self.tags.len() + section(&self.desired) + section(&self.reported)
    }
}

/// Why a twin operation was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TwinRefusal {
    #[error("body is not JSON: {0}")]
    NotJson(String),
    #[error("{0}")]
    Invalid(String),
    #[error("`{part}` has {bytes} bytes, the size limit is {max}")]
    TooLarge { part: &'static str, bytes: usize, max: usize },
    #[error("precondition failed: version is {existing}, the request was for {given}")]
    Precondition { existing: String, given: String },
    #[error("device is not in the registry")]
    NotFound,
    #[error("more twin operations than {quota} allows; ask slower or raise it")]
    Throttled { quota: &'static str },
    #[error("twin changed too often while this was tried; try again")]
    Contended,
    #[error("twin is not available: {0}")]
    Unavailable(String),
}
