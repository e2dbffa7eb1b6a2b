//! PostgreSQL through its driver: how its connections are set up, and how they are asked.

use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::{ConnectOptions, Connection, Row as _, SqlStr, TypeInfo, ValueRef};

use crate::Value;
use crate::row::{Driver, Row};

/// A share of the 100 connections a server allows by default that leaves room for more nodes and for operators.
const READERS_MAX: u32 = 16;
/// A read that waits longer for a connection answers an error instead of piling up.
const READER_WAIT: Duration = Duration::from_secs(10);
/// A connection that rested longer is asked whether it still lives; one that did not saves the round trip.
const RESTED: Duration = Duration::from_secs(30);
/// More than all statements there are, so that each is prepared once a connection.
const STATEMENTS_MAX: usize = 512;

pub(crate) fn options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    Ok(options
        .application_name("muster")
        .statement_cache_capacity(STATEMENTS_MAX)
        .disable_statement_logging()) // its text is built for every statement, wanted or not
}

/// What it is called in messages; the URL may hold a password.
pub(crate) fn name(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("the PostgreSQL database `{database}` at `{}`", options.get_host())
}

pub(crate) async fn connect_writer(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    // A server may be set to answer commits before they are on disk; what we answer shall be.
    sqlx::query(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    )
    .execute(&mut connection)
    .await?;
    Ok(connection)
}

pub(crate) async fn readers(options: PgConnectOptions) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(READER_WAIT)
        .test_before_acquire(false)
        .before_acquire(|connection, seen| {
            Box::pin(async move {
                if seen.idle_for > RESTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await
}

/// A transaction's own words; they need no preparation.
pub(crate) async fn control(connection: &mut PgConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(sql).execute(connection).await.map(|_| ())
}

pub(crate) async fn execute(
    connection: &mut PgConnection,
    sql: SqlStr,
    args: Vec<Value>,
) -> Result<u64, sqlx::Error> {
    Ok(bound(sql, args).execute(connection).await?.rows_affected())
}

pub(crate) async fn fetch<'c>(
    connection: impl sqlx::Executor<'c, Database = Postgres>,
    sql: SqlStr,
    args: Vec<Value>,
) -> Result<Vec<Row>, sqlx::Error> {
    let rows = bound(sql, args).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| Row(Driver::Postgres(row))).collect())
}

/// A number of any width, or a truth: what is a plain number on SQLite, too.
pub(crate) fn int(row: &PgRow, column: &str) -> Result<Option<i64>, sqlx::Error> {
    let value = row.try_get_raw(column)?;
    if value.is_null() {
        return Ok(None);
    }
    match value.type_info().name() {
        "INT8" => row.try_get::<i64, _>(column),
        "INT4" => row.try_get::<i32, _>(column).map(i64::from),
        "INT2" => row.try_get::<i16, _>(column).map(i64::from),
        "BOOL" => row.try_get::<bool, _>(column).map(i64::from),
        other => Err(sqlx::Error::Decode(
            format!("it is {other} where a number is expected; CAST it AS BIGINT in the statement").into(),
        )),
    }
    .map(Some)
}

fn bound(sql: SqlStr, args: Vec<Value>) -> Query<'static, Postgres, PgArguments> {
    args.into_iter().fold(sqlx::query(sql), |query, arg| match arg {
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Blob(value) => query.bind(value),
        Value::NoInt => query.bind(None::<i64>),
        Value::NoText => query.bind(None::<String>),
        Value::NoBlob => query.bind(None::<Vec<u8>>),
    })
}
