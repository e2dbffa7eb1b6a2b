//! A row as SQLite gave it.

use std::sync::Arc;

use rusqlite::types::Value;

use crate::error::DriverError;

#[derive(Debug)]
pub(crate) struct SqliteRow {
    /// The same for all rows of a result.
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl SqliteRow {
    pub(crate) fn read(columns: &Arc<[String]>, row: &rusqlite::Row<'_>) -> rusqlite::Result<SqliteRow> {
        let values = (0..columns.len()).map(|index| row.get(index)).collect::<Result<_, _>>()?;
        Ok(SqliteRow { columns: Arc::clone(columns), values })
    }

    pub(crate) fn int(&self, column: &str) -> Result<Option<i64>, DriverError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Integer(value) => Ok(Some(*value)),
            other => Err(is_not("a number", other)),
        }
    }

    pub(crate) fn text(&self, column: &str) -> Result<Option<&str>, DriverError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(value) => Ok(Some(value)),
            other => Err(is_not("text", other)),
        }
    }

    pub(crate) fn blob(&self, column: &str) -> Result<Option<&[u8]>, DriverError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Blob(value) => Ok(Some(value)),
            other => Err(is_not("bytes", other)),
        }
    }

    fn value(&self, column: &str) -> Result<&Value, DriverError> {
        let index = self.columns.iter().position(|name| name == column);
        let value = index.and_then(|index| self.values.get(index));
        value.ok_or_else(|| DriverError::Unfit(format!("there is no column `{column}`")))
    }
}

fn is_not(expected: &str, found: &Value) -> DriverError {
    DriverError::Unfit(format!("it is {} where {expected} is expected", found.data_type()))
}
