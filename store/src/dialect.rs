//! Every known difference between the two engines, one function each.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::error::DriverError;
use crate::{Expect, Statement};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// The statement with its `{rows}`, if any, spelled for the engine.
///
/// PostgreSQL reads them as `json`, not `jsonb`, which would reorder the fields of a document and respell its numbers:
/// what is read back shall be what was written, on both.
pub(crate) fn spelled(engine: Engine, sql: &'static str) -> SqlStr {
    const ROWS: &str = "{rows}";
    if !sql.contains(ROWS) {
        return SqlStr::from_static(sql);
    }
    let source = match engine {
        Engine::Sqlite => "json_each($1)",
        Engine::Postgres => "json_array_elements($1::json)",
    };
    // Safe: a static text with one of two constants in it. Shared, since every batch of the kind uses it again.
    AssertSqlSafe(Arc::<str>::from(sql.replace(ROWS, source))).into_sql_str()
}

/// SQLite takes its write lock now rather than in the middle, where waiting for it would be an error.
pub(crate) fn begin_sql(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "BEGIN IMMEDIATE",
        Engine::Postgres => "BEGIN",
    }
}

/// Whether undoing the unit alone takes a savepoint. On SQLite a statement that fails undoes itself and leaves the
/// transaction as it was; on PostgreSQL it takes the transaction with it.
pub(crate) fn needs_savepoint(engine: Engine, unit: &[Statement]) -> bool {
    match (engine, unit) {
        (_, []) => false,
        (Engine::Sqlite, [one]) => one.expect != Expect::Any,
        (Engine::Sqlite | Engine::Postgres, _) => true,
    }
}

/// Whose failure it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The statement's: undo it, and the transaction goes on.
    Statement,
    /// The connection's or the machine's: nothing can be said of the transaction any more.
    Connection,
}

pub(crate) fn fault(error: &DriverError) -> Fault {
    match error {
        DriverError::Sqlite(error) => match error.sqlite_error() {
            Some(refusal) => sqlite_fault(refusal.extended_code),
            None => Fault::Statement, // seen on our side of the connection
        },
        DriverError::Postgres(sqlx::Error::Database(refusal)) => {
            postgres_fault(&refusal.code().unwrap_or_default())
        }
        // Values that did not fit their column, seen on our side of the connection.
        DriverError::Postgres(
            sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Encode(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::InvalidArgument(_)
            | sqlx::Error::TypeNotFound { .. },
        )
        | DriverError::Unfit(_) => Fault::Statement,
        DriverError::Postgres(_) => Fault::Connection,
    }
}

/// After FULL, IOERR, NOMEM, BUSY and INTERRUPT SQLite may have rolled back the whole transaction by itself
/// (sqlite.org/lang_transaction.html §3), so only what surely leaves it open counts as the statement's.
fn sqlite_fault(extended: i32) -> Fault {
    const ERROR: i32 = 1; // also malformed JSON, and what a trigger raises
    const TOOBIG: i32 = 18;
    const CONSTRAINT: i32 = 19;
    const MISMATCH: i32 = 20;
    const RANGE: i32 = 25;
    match extended & 0xff {
        ERROR | TOOBIG | CONSTRAINT | MISMATCH | RANGE => Fault::Statement,
        _ => Fault::Connection,
    }
}

/// Any error leaves the transaction to its savepoint, unless it ends the session: connection exceptions (08), an
/// operator's intervention (57P) and internal errors (XX).
fn postgres_fault(code: &str) -> Fault {
    if code.is_empty() || ["08", "57P", "XX"].iter().any(|class| code.starts_with(class)) {
        Fault::Connection
    } else {
        Fault::Statement
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constraint_is_the_statements_fault_and_a_full_disk_is_not() {
        assert_eq!(sqlite_fault(2067), Fault::Statement); // CONSTRAINT_UNIQUE
        assert_eq!(sqlite_fault(1), Fault::Statement);
        assert_eq!(sqlite_fault(13), Fault::Connection); // FULL
        assert_eq!(sqlite_fault(1034), Fault::Connection); // IOERR_FSYNC
        assert_eq!(sqlite_fault(5), Fault::Connection); // BUSY
        assert_eq!(postgres_fault("23505"), Fault::Statement);
        assert_eq!(postgres_fault("40P01"), Fault::Statement);
        assert_eq!(postgres_fault("57P01"), Fault::Connection);
        assert_eq!(postgres_fault(""), Fault::Connection);
    }

    #[test]
    fn a_lone_statement_without_expectation_needs_no_savepoint_on_sqlite() {
        let any = Statement::new("DELETE FROM t", []);
        assert!(!needs_savepoint(Engine::Sqlite, std::slice::from_ref(&any)));
        assert!(needs_savepoint(Engine::Sqlite, &[any.clone().exactly(1)]));
        assert!(needs_savepoint(Engine::Sqlite, &[any.clone(), any.clone()]));
        assert!(needs_savepoint(Engine::Postgres, &[any]));
    }
}
