//! Opening, closing, and coming back, on every engine.
#![allow(clippy::unwrap_used, reason = "a failed test is what a panic is for")]

use std::time::Duration;

use futures::future::join_all;
use futures::poll;
use serde_json::json;

use muster_store::{Db, Engine, Rows, Statement, StoreError, WriteError};
use muster_test_engines::{Place, for_each_engine, for_each_place};

static MARK: Rows =
    Rows { name: "mark", sql: "INSERT INTO mark (id) SELECT value->>'id' FROM {rows} RETURNING id AS key" };

async fn with_marks(db: &Db) {
    db.write(vec![Statement::new("CREATE TABLE mark (id TEXT PRIMARY KEY)", [])]).await.unwrap();
}

async fn mark(db: &Db, id: &str) -> Result<bool, WriteError> {
    db.put(&MARK, id, json!({ "id": id })).await
}

async fn count(db: &Db) -> i64 {
    db.fetch("SELECT COUNT(*) AS n FROM mark", &[]).await.unwrap()[0].int("n").unwrap()
}

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    for_each_place(async |place| {
        let db = place.open().await;
        with_marks(&db).await;
        assert!(mark(&db, "a").await.unwrap());
        // A second handle of its own while the first is open, as another node or process would.
        let other = place.open().await;
        assert_eq!(count(&other).await, 1);
        assert!(mark(&other, "b").await.unwrap());
        other.close().await;
        db.close().await;
        let db = place.open().await;
        assert_eq!(count(&db).await, 2);
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn closing_writes_what_was_handed_in_and_refuses_what_comes_later() {
    for_each_engine(async |db| {
        with_marks(&db).await;
        let closing = async {
            tokio::task::yield_now().await;
            tokio::join!(db.close(), db.close());
        };
        let ids = (0..200).map(|n| n.to_string()).collect::<Vec<_>>();
        let (outcomes, ()) = tokio::join!(join_all(ids.iter().map(|id| mark(&db, id))), closing);
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(true))), "{outcomes:?}");
        assert!(matches!(mark(&db, "late").await, Err(WriteError::Closed)));
        assert!(matches!(db.write(vec![]).await, Err(WriteError::Closed)));
        let read = db.fetch("SELECT id FROM mark", &[]).await;
        assert!(matches!(read, Err(StoreError::Closed)), "{read:?}");
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_write_whose_caller_left_is_still_written_when_the_last_handle_goes() {
    for_each_place(async |place| {
        let db = place.open().await;
        with_marks(&db).await;
        {
            let mut left = std::pin::pin!(mark(&db, "a"));
            assert!(poll!(&mut left).is_pending());
        }
        drop(db);
        let db = place.open().await;
        let mut tries = 0;
        while count(&db).await == 0 {
            tries += 1;
            assert!(tries < 500, "it was not written");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn connections_that_the_server_ended_are_opened_again() {
    for_each_place(async |place| {
        let db = place.open().await;
        with_marks(&db).await;
        if let Place::Server(_) = place {
            let end_others = "SELECT COUNT(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
            assert!(db.fetch(end_others, &[]).await.unwrap()[0].int("n").unwrap() >= 1);
        }
        assert!(mark(&db, "a").await.unwrap());
        assert_eq!(count(&db).await, 1);
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn databases_in_memory_are_apart() {
    let (one, other) = (Db::open_memory().await.unwrap(), Db::open_memory().await.unwrap());
    assert_eq!(one.engine(), Engine::Sqlite);
    with_marks(&one).await;
    with_marks(&other).await;
    mark(&one, "a").await.unwrap();
    assert_eq!((count(&one).await, count(&other).await), (1, 0));
}

#[tokio::test]
async fn an_opening_that_fails_names_the_place_and_no_password() {
    let folder = std::path::Path::new("/no/such/folder/muster.db");
    let error = Db::open_sqlite(folder).await.unwrap_err().to_string();
    assert!(error.contains("`/no/such/folder/muster.db` cannot be opened"), "{error}");
    let error = Db::open_postgres("postgres://muster:hush@127.0.0.1:1/fleet").await.unwrap_err().to_string();
    assert!(error.contains("the PostgreSQL database `fleet` at `127.0.0.1` cannot be opened"), "{error}");
    let error = Db::open_postgres("no url, hush").await.unwrap_err().to_string();
    assert!(!error.contains("hush"), "{error}");
}
