//! What can go wrong with the store.

use std::sync::Arc;

/// An opening or a read that failed, or why a write did.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{database} cannot be opened: {source}")]
    Open { database: String, source: Arc<DriverError> },
    #[error("the schema of {database} cannot be brought up to date: {source}")]
    Migrate { database: String, source: Arc<sqlx::migrate::MigrateError> },
    #[error("the database refused or failed: {0}")]
    Statement(#[source] Arc<DriverError>),
    #[error("column `{column}` cannot be read: {source}")]
    Column { column: String, source: Arc<DriverError> },
    #[error("the database is closed")]
    Closed,
}

/// What the engine or its driver says.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
    /// Seen on our side: a value that is not what was asked for, a thread that could not be had.
    #[error("{0}")]
    Unfit(String),
}

/// A write that failed. Except for [`WriteError::Uncertain`], nothing of it was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// An [`crate::Expect`] was not met: the ordinary answer to a conditional write that came too late.
    #[error("statement {index} of the unit changed {changed} rows instead of {expected}")]
    Unmet { index: usize, expected: u64, changed: u64 },
    /// The database refused this very write: a constraint, or a value it cannot take.
    #[error("statement {index} of the unit was refused: {source}")]
    Refused { index: usize, source: StoreError },
    /// The database could not write now; everything in the same commit failed with it.
    #[error("nothing was written: {0}")]
    Failed(#[source] StoreError),
    /// The commit itself failed, so that it may or may not have happened: repeat when that is safe.
    #[error("the commit failed, it may or may not have happened: {0}")]
    Uncertain(#[source] StoreError),
    #[error("the database is closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn statement(error: impl Into<DriverError>) -> StoreError {
        match error.into() {
            DriverError::Postgres(sqlx::Error::PoolClosed) => StoreError::Closed,
            error => StoreError::Statement(Arc::new(error)),
        }
    }

    pub(crate) fn open(database: impl Into<String>, error: impl Into<DriverError>) -> StoreError {
        StoreError::Open { database: database.into(), source: Arc::new(error.into()) }
    }
}
