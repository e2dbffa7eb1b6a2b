//! Runs a test on every database engine Muster supports. A dev-dependency, never part of the product.
#![allow(clippy::panic, clippy::expect_used, reason = "it serves tests only, where a panic is a failed test")]

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use muster_store::Db;

const HOW_TO: &str = "MUSTER_TEST_POSTGRES is not set, and tests run on both engines.\n\
    Start a throw-away PostgreSQL and say where it is:\n\n    eval \"$(tests/postgres)\"\n\n\
    or set it to the URL of a server on which tests may create databases, as in\n    \
    MUSTER_TEST_POSTGRES=postgres://postgres@127.0.0.1:5432/postgres";

/// Runs `test` on a fresh database of each engine: SQLite in memory, SQLite in a file, PostgreSQL.
pub async fn for_each_engine(test: impl AsyncFn(Db)) {
    let db = Db::open_memory().await.expect("an open database in memory");
    eprintln!("engine: SQLite in memory");
    test(db.clone()).await;
    db.close().await;
    for_each_place(async |place| {
        let db = place.open().await;
        test(db.clone()).await;
        db.close().await;
    })
    .await;
}

/// Runs `test` on a fresh place of each engine that outlives its handles, to open it more than once.
pub async fn for_each_place(test: impl AsyncFn(&Place)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    eprintln!("engine: SQLite in a file");
    test(&Place::File(folder.path().join("muster.db"))).await;

    let server = std::env::var("MUSTER_TEST_POSTGRES").unwrap_or_else(|_| panic!("{HOW_TO}"));
    let server: PgConnectOptions = server.parse().expect("a URL in MUSTER_TEST_POSTGRES");
    let database = format!("test_{:016x}", RandomState::new().build_hasher().finish());
    run(&server, format!("CREATE DATABASE {database}")).await;
    eprintln!("engine: PostgreSQL, database {database}");
    test(&Place::Server(server.clone().database(&database).to_url_lossy().to_string())).await;
    run(&server, format!("DROP DATABASE {database} WITH (FORCE)")).await;
}

/// Where a database is.
#[derive(Clone, Debug)]
pub enum Place {
    File(PathBuf),
    Server(String),
}

impl Place {
    pub async fn open(&self) -> Db {
        match self {
            Place::File(path) => Db::open_sqlite(path).await,
            Place::Server(url) => Db::open_postgres(url).await,
        }
        .expect("an open database")
    }
}

async fn run(server: &PgConnectOptions, sql: String) {
    let mut connection: PgConnection = server.connect().await.unwrap_or_else(|error| {
        panic!("the PostgreSQL server of MUSTER_TEST_POSTGRES does not answer: {error}\n\n{HOW_TO}")
    });
    // Safe: the name in it is ours.
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .expect("a server that lets us have a database");
    connection.close().await.expect("a connection that closes");
}
