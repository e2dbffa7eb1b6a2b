//! What goes in comes out the same, on every engine.
#![allow(clippy::unwrap_used, reason = "a failed test is what a panic is for")]

use serde_json::json;

use muster_store::{Db, Rows, Statement, StoreError, Value};
use muster_test_engines::for_each_engine;

static DOCUMENT: Rows = Rows {
    name: "document",
    sql: "INSERT INTO kept (id, text) SELECT value->>'id', value->>'text' FROM {rows} RETURNING id AS key",
};

async fn with_kept(db: &Db) {
    let bytes = match db.engine() {
        muster_store::Engine::Sqlite => {
            "CREATE TABLE kept (id TEXT PRIMARY KEY, n BIGINT, text TEXT, bytes BLOB)"
        }
        muster_store::Engine::Postgres => {
            "CREATE TABLE kept (id TEXT PRIMARY KEY, n BIGINT, text TEXT, bytes BYTEA)"
        }
    };
    db.write(vec![Statement::new(bytes, [])]).await.unwrap();
}

async fn keep(db: &Db, id: &str, n: Value, text: Value, bytes: Value) {
    let sql = "INSERT INTO kept (id, n, text, bytes) VALUES ($1, $2, $3, $4)";
    db.write(vec![Statement::new(sql, [id.into(), n, text, bytes])]).await.unwrap();
}

#[tokio::test]
async fn numbers_texts_and_blobs_come_back_as_they_were() {
    for_each_engine(async |db| {
        with_kept(&db).await;
        let text = "Grüße, 世界 🦀 \"'\\\n\u{1}";
        let bytes = (0..=255).collect::<Vec<u8>>();
        keep(&db, "a", i64::MIN.into(), text.into(), bytes.clone().into()).await;
        keep(&db, "b", i64::MAX.into(), "".into(), Vec::new().into()).await;
        let rows = db.fetch("SELECT n, text, bytes FROM kept ORDER BY id", &[]).await.unwrap();
        assert_eq!(rows[0].int("n").unwrap(), i64::MIN);
        assert_eq!(rows[0].text("text").unwrap(), text);
        assert_eq!(rows[0].blob("bytes").unwrap(), bytes);
        assert_eq!(rows[1].opt_int("n").unwrap(), Some(i64::MAX));
        assert_eq!(rows[1].opt_text("text").unwrap(), Some(""));
        assert_eq!(rows[1].opt_blob("bytes").unwrap(), Some(&[] as &[u8]));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_kept_as_nothing_of_every_type() {
    for_each_engine(async |db| {
        with_kept(&db).await;
        keep(&db, "a", Value::NoInt, Value::NoText, Value::NoBlob).await;
        let rows = db.fetch("SELECT n, text, bytes FROM kept WHERE n IS NULL", &[]).await.unwrap();
        assert_eq!(rows[0].opt_int("n").unwrap(), None);
        assert_eq!(rows[0].opt_text("text").unwrap(), None);
        assert_eq!(rows[0].opt_blob("bytes").unwrap(), None);
        for unexpected in [rows[0].int("n").err(), rows[0].text("text").err(), rows[0].blob("bytes").err()] {
            assert!(matches!(unexpected, Some(StoreError::Column { .. })), "{unexpected:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_argument_may_be_compared_and_counted_with() {
    for_each_engine(async |db| {
        with_kept(&db).await;
        for n in 0..5 {
            keep(&db, &n.to_string(), n.into(), Value::NoText, vec![7; 3].into()).await;
        }
        let sql = "SELECT id FROM kept WHERE n >= $1 AND ($2 IS NULL OR id = $2) AND bytes = $4 ORDER BY n LIMIT $3";
        let all = [1.into(), Value::NoText, 2.into(), vec![7u8; 3].into()];
        assert_eq!(db.fetch(sql, &all).await.unwrap().len(), 2);
        let one = [1.into(), "3".into(), 2.into(), vec![7u8; 3].into()];
        let rows = db.fetch(sql, &one).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.text("id").unwrap()).collect::<Vec<_>>(), ["3"]);
    })
    .await;
}

#[tokio::test]
async fn computed_numbers_and_truths_read_as_numbers() {
    for_each_engine(async |db| {
        let sql = "SELECT 1 AS one, 2 > 1 AS truth, CAST(3 AS SMALLINT) AS small, COUNT(*) AS none FROM (SELECT 1 AS x) AS t WHERE x > 1";
        let row = &db.fetch(sql, &[]).await.unwrap()[0];
        let numbers = ["one", "truth", "small", "none"].map(|column| row.int(column).unwrap());
        assert_eq!(numbers, [1, 1, 3, 0]);
        assert!(matches!(row.int("missing"), Err(StoreError::Column { .. })));
        assert!(matches!(row.text("one"), Err(StoreError::Column { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_document_inside_a_row_keeps_its_spelling() {
    for_each_engine(async |db| {
        with_kept(&db).await;
        let document = json!({ "zebra": 1, "a": { "long key": 1.5, "b": [null, true, "ü🦀"] } });
        let row = json!({ "id": "a", "text": document });
        assert!(db.put(&DOCUMENT, "a", row).await.unwrap());
        let rows = db.fetch("SELECT text FROM kept", &[]).await.unwrap();
        assert_eq!(rows[0].text("text").unwrap(), document.to_string());
    })
    .await;
}
