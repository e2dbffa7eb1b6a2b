//! Registrations as the operator sees them: read, listed, deleted.

use muster_identity::RegistrationId;
use muster_store::WriteError as NotWritten;

use crate::enrollment::sql::UnreadableRow;

mod service;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("there is no registration `{id}`")]
    NotFound { id: RegistrationId },
    #[error(transparent)]
    Store(#[from] UnreadableRow),
}

/// Where a device is could not be told.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct WhereaboutsError(#[from] UnreadableRow);

#[derive(Debug, thiserror::Error)]
pub(crate) enum RemoveError {
    #[error("there is no registration `{id}`")]
    NotFound { id: RegistrationId },
    #[error("registration `{id}` has another ETag by now, read it again")]
    Changed { id: RegistrationId },
    #[error(transparent)]
    Unreadable(#[from] UnreadableRow),
    #[error(transparent)]
    Store(#[from] NotWritten),
}
