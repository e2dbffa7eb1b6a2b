//! What is written: statements with an expectation, and kinds of rows.

use crate::Value;

/// One statement of a unit, to change rows; reading is [`crate::Db::fetch`]. Its SQL is one text for both engines, with
/// `$1`, `$2`, … as placeholders, and `{rows}` as [`Rows`] has it.
#[derive(Clone, Debug)]
pub struct Statement {
    pub sql: &'static str,
    pub args: Vec<Value>,
    pub expect: Expect,
}

/// How many rows a statement must change; if it changes another number, its whole unit is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Any,
    Exactly(u64),
}

impl Statement {
    pub fn new(sql: &'static str, args: impl Into<Vec<Value>>) -> Statement {
        Statement { sql, args: args.into(), expect: Expect::Any }
    }

    /// Rows of a kind that are to be written together with the rest of their unit. `rows` is a JSON array of them.
    pub fn set(kind: &'static Rows, rows: String) -> Statement {
        Statement::new(kind.sql, [rows.into()])
    }

    /// Whether it writes rows of a kind.
    pub(crate) fn is_set(&self) -> bool {
        self.sql.contains("{rows}")
    }

    /// `UPDATE … WHERE etag = $2` with `exactly(1)` is the conditional write.
    pub fn exactly(mut self, rows: u64) -> Statement {
        self.expect = Expect::Exactly(rows);
        self
    }
}

/// A kind of row that many callers write at the same time; a `static` beside its SQL.
///
/// The SQL reads its rows `FROM {rows}`, which gives a column `value`, a JSON object; take fields with
/// `value->>'field'` and numbers with `CAST(value->>'field' AS BIGINT)`. `SELECT … FROM {rows} WHERE true
/// ON CONFLICT …` needs its `WHERE`, without which SQLite reads `ON` as a join's. It ends with `RETURNING … AS key`.
#[derive(Debug)]
pub struct Rows {
    pub name: &'static str,
    pub sql: &'static str,
}
