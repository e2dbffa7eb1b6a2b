//! The identity registry: who may connect, and with what.

mod service;

use muster_store::{StoreError, WriteError};

/// What an admission found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    Created,
    Updated,
}

#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    #[error("hub has {max} devices, which is its limit")]
    TooManyDevices { max: u64 },
    #[error("device could not be stored: {0}")]
    Store(#[from] WriteError),
}

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("device could not be read: {0}")]
    Store(#[from] StoreError),
    #[error("stored device is damaged: {0}")]
    Damaged(String),
}

#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    #[error("device could not be deleted: {0}")]
    Store(#[from] WriteError),
}
