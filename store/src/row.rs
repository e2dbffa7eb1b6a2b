//! A row that was read.

use std::sync::Arc;

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::error::DriverError;
use crate::sqlite::SqliteRow;
use crate::{StoreError, postgres};

/// A row; its columns are asked for by name and by type.
#[derive(Debug)]
pub struct Row(pub(crate) Driver);

#[derive(Debug)]
pub(crate) enum Driver {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub fn int(&self, column: &str) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| is_null(column))
    }

    pub fn text(&self, column: &str) -> Result<&str, StoreError> {
        self.opt_text(column)?.ok_or_else(|| is_null(column))
    }

    pub fn blob(&self, column: &str) -> Result<&[u8], StoreError> {
        self.opt_blob(column)?.ok_or_else(|| is_null(column))
    }

    pub fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        match &self.0 {
            Driver::Sqlite(row) => row.int(column),
            Driver::Postgres(row) => postgres::int(row, column).map_err(DriverError::from),
        }
        .map_err(|error| unreadable(column, error))
    }

    pub fn opt_text(&self, column: &str) -> Result<Option<&str>, StoreError> {
        match &self.0 {
            Driver::Sqlite(row) => row.text(column),
            Driver::Postgres(row) => row.try_get(column).map_err(DriverError::from),
        }
        .map_err(|error| unreadable(column, error))
    }

    pub fn opt_blob(&self, column: &str) -> Result<Option<&[u8]>, StoreError> {
        match &self.0 {
            Driver::Sqlite(row) => row.blob(column),
            Driver::Postgres(row) => row.try_get(column).map_err(DriverError::from),
        }
        .map_err(|error| unreadable(column, error))
    }
}

fn is_null(column: &str) -> StoreError {
    unreadable(column, DriverError::Unfit("it is null, which its reader does not expect".to_owned()))
}

fn unreadable(column: &str, error: DriverError) -> StoreError {
    StoreError::Column { column: column.to_owned(), source: Arc::new(error) }
}
