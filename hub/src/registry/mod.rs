//! The identity registry: who may connect, and with what.

pub(crate) mod admission;
mod device;
pub(crate) mod etag;
mod request;
mod service;
pub(crate) mod sql;

#[cfg(test)]
mod tests;

use muster_store::{StoreError, WriteError};

pub(crate) use device::{Device, instant};
pub(crate) use etag::IfMatch;
pub(crate) use request::{DeviceRequest, Invalid};
pub(crate) use service::LIST_MAX;

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
    Store(String),
}

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("device could not be read: {0}")]
    Store(#[from] StoreError),
    #[error("what is stored of the device is damaged: {0}")]
    Damaged(String),
}

#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    #[error("device could not be deleted: {0}")]
    Store(#[from] WriteError),
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("what is stored of `{device}` is damaged: {reason}")]
    Damaged { device: String, reason: String },
}

impl From<WriteError> for AdmitError {
    fn from(error: WriteError) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<ReadError> for AdmitError {
    fn from(error: ReadError) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<ReadError> for ExportError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Store(error) => Self::Store(error),
            ReadError::Damaged { reason, .. } => Self::Damaged(reason),
        }
    }
}

/// Why the registry did not do what a back end asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    #[error("{0}")]
    Invalid(#[from] Invalid),
    #[error("a device with ID `{0}` is already registered")]
    Exists(String),
    #[error("device `{0}` is not registered")]
    NotFound(String),
    #[error("precondition failed: the etag is {existing}, the request was for {given}")]
    Precondition { existing: String, given: String },
    #[error("etag missing; send `If-Match` with the device's etag or `*`")]
    EtagMissing,
    #[error("the hub has {max} devices, which is its limit")]
    TooManyDevices { max: u64 },
    #[error("the device changed too often while this was tried; try again")]
    Contended,
    #[error("the registry could not be written: {0}")]
    Write(#[from] WriteError),
    #[error("the registry could not be read: {0}")]
    Read(#[from] ReadError),
}
