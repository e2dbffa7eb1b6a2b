//! SQL on two engines: one writer with group commit, a pool of readers, one SQL text for both.
//!
//! [`Db::put`] is for hot paths: rows of one kind that many callers hand in at the same time become one statement.
//! [`Db::write`] is for everything else: a few statements that happen together or not at all.
//! Both answer after the commit, so what they answered survives `kill -9` and a power cut. Two writes that are under
//! way at the same time may happen in either order; only `put`s of the same kind and key keep theirs.

mod batch;
mod connection;
mod db;
mod dialect;
mod error;
mod migrate;
mod postgres;
mod row;
mod sqlite;
mod statement;
mod value;
mod writer;

pub use db::Db;
pub use dialect::Engine;
pub use error::{DriverError, StoreError, WriteError};
pub use row::Row;
pub use statement::{Expect, Rows, Statement};
pub use value::Value;
