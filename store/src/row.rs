//! A row that was read.

use crate::StoreError;

/// A row; its columns are asked for by name and by type.
#[derive(Debug)]
pub struct Row {}

impl Row {
    pub fn int(&self, column: &str) -> Result<i64, StoreError> {
        let _ = column;
        Err(StoreError::Closed)
    }

    pub fn text(&self, column: &str) -> Result<&str, StoreError> {
        let _ = column;
        Err(StoreError::Closed)
    }

    pub fn blob(&self, column: &str) -> Result<&[u8], StoreError> {
        let _ = column;
        Err(StoreError::Closed)
    }

    pub fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        let _ = column;
        Err(StoreError::Closed)
    }

    pub fn opt_text(&self, column: &str) -> Result<Option<&str>, StoreError> {
        let _ = column;
        Err(StoreError::Closed)
    }

    pub fn opt_blob(&self, column: &str) -> Result<Option<&[u8]>, StoreError> {
        let _ = column;
        Err(StoreError::Closed)
    }
}
