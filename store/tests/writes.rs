//! What the store promises about writing, on every engine.
#![allow(clippy::unwrap_used, reason = "a failed test is what a panic is for")]

use futures::future::join_all;
use serde_json::json;

use muster_store::{Db, Engine, Rows, Statement, WriteError};
use muster_test_engines::for_each_engine;

static NOTE: Rows = Rows {
    name: "note",
    sql: "INSERT INTO note (id, text, version)
        SELECT value->>'id', value->>'text', CAST(value->>'version' AS BIGINT) FROM {rows} WHERE true
        ON CONFLICT (id) DO UPDATE SET text = excluded.text, version = excluded.version RETURNING id AS key",
};

/// Inserts, or replaces the version before: an optimistic write.
static NEXT_NOTE: Rows = Rows {
    name: "next note",
    sql: "INSERT INTO note (id, text, version)
        SELECT value->>'id', value->>'text', CAST(value->>'version' AS BIGINT) FROM {rows} WHERE true
        ON CONFLICT (id) DO UPDATE SET text = excluded.text, version = excluded.version
        WHERE note.version = excluded.version - 1 RETURNING id AS key",
};

async fn with_notes(db: &Db) {
    let table =
        "CREATE TABLE note (id TEXT PRIMARY KEY, text TEXT NOT NULL CHECK (text <> 'bad'), version BIGINT)";
    db.write(vec![Statement::new(table, [])]).await.unwrap();
}

fn insert(id: &str, text: &str) -> Statement {
    Statement::new("INSERT INTO note (id, text, version) VALUES ($1, $2, 1)", [id.into(), text.into()])
}

fn update(id: &str, text: &str, version: i64) -> Statement {
    Statement::new(
        "UPDATE note SET text = $2, version = version + 1 WHERE id = $1 AND version = $3",
        [id.into(), text.into(), version.into()],
    )
}

/// Keeps the writer busy, so that what is handed in after it shares its commit.
fn slow(db: &Db) -> Statement {
    let sql = match db.engine() {
        Engine::Sqlite => {
            "INSERT INTO note WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
            SELECT 'slow', COUNT(*), 1 FROM n"
        }
        Engine::Postgres => "INSERT INTO note SELECT 'slow', 'fine', 1 FROM pg_sleep(0.3)",
    };
    Statement::new(sql, [])
}

async fn put(db: &Db, rows: &'static Rows, id: &str, text: &str, version: i64) -> Result<bool, WriteError> {
    db.put(rows, id, json!({ "id": id, "text": text, "version": version })).await
}

async fn text(db: &Db, id: &str) -> Option<String> {
    let rows = db.fetch("SELECT text FROM note WHERE id = $1", &[id.into()]).await.unwrap();
    rows.first().map(|row| row.text("text").unwrap().to_owned())
}

async fn count(db: &Db) -> i64 {
    db.fetch("SELECT COUNT(*) AS n FROM note", &[]).await.unwrap()[0].int("n").unwrap()
}

#[tokio::test]
async fn what_was_answered_is_read_by_everybody() {
    for_each_engine(async |db| {
        with_notes(&db).await;
        assert_eq!(db.write(vec![insert("a", "one"), insert("b", "two")]).await.unwrap(), [1, 1]);
        assert!(put(&db, &NOTE, "c", "three", 1).await.unwrap());
        assert_eq!(text(&db, "a").await.as_deref(), Some("one"));
        assert_eq!(text(&db, "c").await.as_deref(), Some("three"));
    })
    .await;
}

#[tokio::test]
async fn a_conditional_unit_that_comes_too_late_changes_nothing_and_says_so() {
    for_each_engine(async |db| {
        with_notes(&db).await;
        db.write(vec![insert("a", "one")]).await.unwrap();
        assert_eq!(db.write(vec![update("a", "two", 1).exactly(1)]).await.unwrap(), [1]);
        let late = db.write(vec![insert("b", "x"), update("a", "three", 1).exactly(1)]).await;
        assert!(matches!(late, Err(WriteError::Unmet { index: 1, expected: 1, changed: 0 })), "{late:?}");
        assert_eq!(text(&db, "a").await.as_deref(), Some("two"));
        assert_eq!(text(&db, "b").await, None);
        let many = db.write(vec![Statement::new("UPDATE note SET version = 9", []).exactly(0)]).await;
        assert!(matches!(many, Err(WriteError::Unmet { index: 0, expected: 0, changed: 1 })), "{many:?}");
        let kept = db.fetch("SELECT version FROM note WHERE version <> 9", &[]).await.unwrap();
        assert_eq!(kept.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_conditional_row_that_comes_too_late_is_answered_false() {
    for_each_engine(async |db| {
        with_notes(&db).await;
        assert!(put(&db, &NEXT_NOTE, "a", "one", 1).await.unwrap());
        assert!(put(&db, &NEXT_NOTE, "a", "two", 2).await.unwrap());
        assert!(!put(&db, &NEXT_NOTE, "a", "late", 2).await.unwrap());
        assert_eq!(text(&db, "a").await.as_deref(), Some("two"));
    })
    .await;
}

#[tokio::test]
async fn units_that_fail_leave_their_neighbours_alone() {
    for_each_engine(async |db| {
        with_notes(&db).await;
        let outcomes = join_all((0..300).map(async |n| match n % 3 {
            0 => db.write(vec![insert(&format!("good {n}"), "fine")]).await,
            1 => db.write(vec![insert(&format!("refused {n}"), "fine"), insert("x", "bad")]).await,
            _ => {
                db.write(vec![insert(&format!("unmet {n}"), "fine"), update("none", "", 1).exactly(1)]).await
            }
        }))
        .await;
        for (n, outcome) in outcomes.iter().enumerate() {
            match n % 3 {
                0 => assert!(outcome.is_ok(), "{outcome:?}"),
                1 => assert!(matches!(outcome, Err(WriteError::Refused { index: 1, .. })), "{outcome:?}"),
                _ => assert!(matches!(outcome, Err(WriteError::Unmet { index: 1, .. })), "{outcome:?}"),
            }
        }
        assert_eq!(count(&db).await, 100);
    })
    .await;
}

#[tokio::test]
async fn only_the_guilty_rows_of_a_batch_are_refused() {
    for_each_engine(async |db| {
        with_notes(&db).await;
        let outcomes = join_all((0..400).map(async |n| {
            let text = if n % 97 == 13 { "bad" } else { "fine" };
            put(&db, &NOTE, &format!("note {n}"), text, 1).await
        }))
        .await;
        for (n, outcome) in outcomes.iter().enumerate() {
            if n % 97 == 13 {
                assert!(matches!(outcome, Err(WriteError::Refused { index: 0, .. })), "{n}: {outcome:?}");
            } else {
                assert!(matches!(outcome, Ok(true)), "{n}: {outcome:?}");
            }
        }
        assert_eq!(count(&db).await, 396);
    })
    .await;
}

#[tokio::test]
async fn the_same_key_many_times_at_once_is_written_in_order() {
    for_each_engine(async |db| {
        with_notes(&db).await;
        // `join_all` polls in order, so this is also the order in which they are handed in.
        let outcomes = join_all((1..=40).map(|n| put(&db, &NEXT_NOTE, "a", "fine", n))).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(true))), "{outcomes:?}");
        let rows = db.fetch("SELECT version FROM note", &[]).await.unwrap();
        assert_eq!(rows[0].int("version").unwrap(), 40);
    })
    .await;
}

#[tokio::test]
async fn more_writes_than_the_queue_holds_are_all_written() {
    for_each_engine(async |db| {
        with_notes(&db).await;
        let outcomes =
            join_all((0..3000).map(async |n| put(&db, &NOTE, &format!("{n}"), "fine", n).await)).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(true))));
        assert_eq!(count(&db).await, 3000);
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_makes_no_sense_is_refused_by_number() {
    for_each_engine(async |db| {
        with_notes(&db).await;
        let refused =
            db.write(vec![insert("a", "one"), Statement::new("UPDATE nothing SET x = 1", [])]).await;
        assert!(matches!(refused, Err(WriteError::Refused { index: 1, .. })), "{refused:?}");
        assert_eq!(db.write(vec![]).await.unwrap(), [] as [u64; 0]);
        assert!(db.fetch("SELECT x FROM nothing", &[]).await.is_err());
        assert_eq!(count(&db).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_fails_fails_everything_in_it_and_nothing_after() {
    for_each_engine(async |db| {
        with_notes(&db).await;
        // A deferred constraint is the one way to make a commit fail on purpose.
        let table = "CREATE TABLE about (note TEXT REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED)";
        db.write(vec![Statement::new(table, [])]).await.unwrap();
        let dangling = Statement::new("INSERT INTO about (note) VALUES ('none')", []);
        let (first, bad, neighbour, unit) = tokio::join!(
            db.write(vec![slow(&db)]),
            db.write(vec![dangling]),
            put(&db, &NOTE, "a", "fine", 1),
            db.write(vec![insert("b", "fine")])
        );
        assert!(matches!(first, Err(WriteError::Failed(_))), "{first:?}");
        assert!(matches!(bad, Err(WriteError::Failed(_))), "{bad:?}");
        assert!(matches!(neighbour, Err(WriteError::Failed(_))), "{neighbour:?}");
        assert!(matches!(unit, Err(WriteError::Failed(_))), "{unit:?}");
        assert_eq!(count(&db).await, 0);
        assert!(put(&db, &NOTE, "a", "fine", 1).await.unwrap());
        assert_eq!(count(&db).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_connection_lost_in_the_middle_of_a_commit_fails_it_and_the_next_one_has_a_new_connection() {
    for_each_engine(async |db| {
        with_notes(&db).await;
        if db.engine() == Engine::Postgres {
            let end_self = Statement::new("SELECT pg_terminate_backend(pg_backend_pid())", []);
            let (_, neighbour, ended) = tokio::join!(
                db.write(vec![slow(&db)]),
                put(&db, &NOTE, "a", "fine", 1),
                db.write(vec![end_self])
            );
            assert!(matches!(neighbour, Err(WriteError::Failed(_))), "{neighbour:?}");
            assert!(matches!(ended, Err(WriteError::Failed(_))), "{ended:?}");
            assert_eq!(count(&db).await, 0);
        }
        assert!(put(&db, &NOTE, "a", "fine", 1).await.unwrap());
        assert_eq!(count(&db).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_kind_that_returns_no_key_is_refused_and_writes_nothing() {
    static KEYLESS: Rows = Rows {
        name: "keyless",
        sql: "INSERT INTO note (id, text) SELECT value->>'id', value->>'text' FROM {rows} RETURNING id",
    };
    for_each_engine(async |db| {
        with_notes(&db).await;
        let refused = put(&db, &KEYLESS, "a", "fine", 1).await;
        assert!(matches!(refused, Err(WriteError::Refused { .. })), "{refused:?}");
        assert!(refused.unwrap_err().to_string().contains("`key`"));
        assert_eq!(count(&db).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_set_in_a_unit_happens_with_the_rest_of_it_or_not_at_all() {
    for_each_engine(async |db| {
        with_notes(&db).await;
        let rows = |ids: &[&str]| {
            let rows = ids.iter().map(|id| json!({ "id": id, "text": "one", "version": 1 }));
            serde_json::Value::Array(rows.collect()).to_string()
        };
        let unit = vec![insert("a", "one"), Statement::set(&NOTE, rows(&["b", "c"])).exactly(2)];
        assert_eq!(db.write(unit).await.unwrap(), [1, 2]);
        let unit = vec![Statement::set(&NOTE, rows(&["d", "e"])), update("a", "two", 7).exactly(1)];
        assert!(matches!(db.write(unit).await, Err(WriteError::Unmet { index: 1, .. })));
        assert_eq!(count(&db).await, 3);
    })
    .await;
}
