//! What can go wrong with the store.

use std::sync::Arc;

/// A read, or an opening, that failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database cannot be opened: {0}")]
    Open(#[source] Arc<sqlx::Error>),
    #[error("the database's schema cannot be brought up to date: {0}")]
    Migrate(#[source] Arc<sqlx::migrate::MigrateError>),
    #[error("the database refused or failed: {0}")]
    Statement(#[source] Arc<sqlx::Error>),
    #[error("column `{column}` cannot be read: {source}")]
    Column { column: String, source: Arc<sqlx::Error> },
    #[error("the database is closed")]
    Closed,
}

/// A write that failed. Except for [`WriteError::Uncertain`], nothing of it was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// An [`crate::Expect`] was not met: the ordinary answer to a conditional write that came too late.
    #[error("statement {index} of the unit changed {changed} rows instead of {expected}")]
    Unmet { index: usize, expected: u64, changed: u64 },
    /// The database refused a statement: a constraint, or a value it cannot take.
    #[error("statement {index} of the unit was refused: {source}")]
    Refused { index: usize, source: StoreError },
    /// The database could not do it now; its neighbours in the commit failed with it.
    #[error("the write failed: {0}")]
    Failed(#[source] StoreError),
    /// The commit itself failed, so that it may or may not have happened. Safe to repeat when the write is idempotent.
    #[error("the commit failed and may or may not have happened: {0}")]
    Uncertain(#[source] StoreError),
    #[error("the database is closed")]
    Closed,
}
