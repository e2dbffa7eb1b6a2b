//! What the sequencer promises, on every engine.

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::json;

use muster_store::{Db, Rows, Statement, WriteError};
use muster_test_engines::{for_each_engine, for_each_place};
use muster_x509::Certificate;

use super::certificate;
use crate::{
    audit::{self, Action, Decision, Entry},
    caller::Caller,
    log::{Log, Record, Recorded, edge::Edge, merkle::leaf_hash, sql},
};

static SERIALS: Rows = Rows {
    name: "serial of a test",
    sql: "UPDATE serial SET log_index = CAST(value->>'log_index' AS BIGINT), \
          sequence = CAST(value->>'sequence' AS BIGINT) \
          FROM {rows} WHERE serial.id = value->>'id' RETURNING serial.id AS key",
};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

async fn with_serials(db: &Db, count: u64) {
    let table = "CREATE TABLE serial (id TEXT PRIMARY KEY, log_index BIGINT UNIQUE, sequence BIGINT)";
    db.write(vec![Statement::new(table, [])]).await.unwrap();
    let insert = |id: u64| Statement::new("INSERT INTO serial (id) VALUES ($1)", [id.to_string().into()]);
    db.write((0..count).map(insert).collect()).await.unwrap();
}

fn entry(object: &str) -> Entry {
    Entry::new(&Caller::process(), Action::CertificateIssue, object, Decision::Allowed)
}

fn issue(id: u64, certificate: &Certificate) -> Record {
    Record::new(entry(&id.to_string()), NOW)
        .certificate(certificate)
        .row(&SERIALS, &json!({ "id": id.to_string() }))
}

async fn chain(db: &Db) -> Vec<audit::Chained> {
    audit::sql::page(db, 1, u64::MAX, 10_000).await.unwrap()
}

async fn serial(db: &Db, id: u64) -> (Option<i64>, Option<i64>) {
    let sql = "SELECT sequence, log_index FROM serial WHERE id = $1";
    let rows = db.fetch(sql, &[id.to_string().into()]).await.unwrap();
    (rows[0].opt_int("sequence").unwrap(), rows[0].opt_int("log_index").unwrap())
}

#[tokio::test]
async fn what_many_record_at_once_stands_in_both_logs_in_one_order() {
    for_each_engine(async |db| {
        const CALLERS: u64 = 700; // more than one commit takes
        with_serials(&db, CALLERS).await;
        let log = Log::open(&db).await.unwrap();
        let certificates: Vec<_> = (0..CALLERS).map(certificate).collect();
        let places = join_all((0..CALLERS).map(|id| log.append(issue(id, &certificates[id as usize])))).await;
        let entries = chain(&db).await;
        let head = audit::verify(&entries).unwrap();
        assert_eq!(head.entries, CALLERS);
        let mut leaves = vec![[0; 32]; CALLERS as usize];
        for (id, place) in places.into_iter().enumerate() {
            let Recorded { sequence, log_index } = place.unwrap();
            let index = log_index.unwrap();
            let entry = &entries[sequence as usize - 1];
            assert_eq!((&*entry.object, entry.log_index), (&*id.to_string(), Some(index)));
            assert_eq!(serial(&db, id as u64).await, (Some(sequence as i64), Some(index as i64)));
            leaves[index as usize] = leaf_hash(certificates[id].der());
        }
        let mut edge = Edge::default();
        edge.append(&leaves);
        let stored = sql::head(&db).await.unwrap();
        assert_eq!((stored.chain, stored.edge.root()), (head, edge.root()));
        assert!(stored.edge == edge);
        log.close().await;
        assert!(matches!(log.append(issue(0, &certificates[0])).await, Err(WriteError::Closed)));
    })
    .await;
}

#[tokio::test]
async fn records_that_are_refused_take_no_place_and_no_neighbour_with_them() {
    for_each_engine(async |db| {
        with_serials(&db, 40).await;
        let log = Log::open(&db).await.unwrap();
        let certificates: Vec<_> = (0..40).map(certificate).collect();
        let never = || Statement::new("UPDATE serial SET sequence = 0 WHERE id = 'none'", []).exactly(1);
        let records = (0..40).map(|id| match id {
            // Its row is of no serial that there is.
            7 | 23 => issue(1000 + id, &certificates[id as usize]),
            // A condition of its own is not met, after another statement that is.
            11 => issue(id, &certificates[11])
                .with(vec![Statement::new("DELETE FROM serial WHERE id = '11'", []).exactly(1), never()]),
            // It cannot even be run.
            30 => issue(id, &certificates[30])
                .with(vec![Statement::new("INSERT INTO serial (id) VALUES ('31')", [])]),
            _ => issue(id, &certificates[id as usize]),
        });
        let outcomes = join_all(records.map(|record| log.append(record))).await;
        for (id, outcome) in outcomes.iter().enumerate() {
            match id {
                7 | 23 => assert!(
                    matches!(outcome, Err(WriteError::Unmet { index: 0, expected: 1, changed: 0 })),
                    "{outcome:?}"
                ),
                11 => assert!(matches!(outcome, Err(WriteError::Unmet { index: 2, .. })), "{outcome:?}"),
                30 => assert!(matches!(outcome, Err(WriteError::Refused { index: 1, .. })), "{outcome:?}"),
                _ => assert!(outcome.is_ok(), "{id}: {outcome:?}"),
            }
        }
        let entries = chain(&db).await;
        assert_eq!(audit::verify(&entries).unwrap().entries, 36);
        assert_eq!(sql::head(&db).await.unwrap().edge.size(), 36);
        assert_eq!(serial(&db, 11).await, (None, None));
        log.close().await;
    })
    .await;
}

#[tokio::test]
async fn two_nodes_on_one_database_make_one_chain_and_one_tree() {
    for_each_place(async |place| {
        let nodes = [place.open().await, place.open().await];
        with_serials(&nodes[0], 300).await;
        let logs = [Log::open(&nodes[0]).await.unwrap(), Log::open(&nodes[1]).await.unwrap()];
        let certificates: Vec<_> = (0..300).map(certificate).collect();
        let records = (0..300).map(|id| logs[id as usize % 2].append(issue(id, &certificates[id as usize])));
        let mut indexes: Vec<_> =
            join_all(records).await.into_iter().map(|place| place.unwrap().log_index.unwrap()).collect();
        indexes.sort_unstable();
        assert_eq!(indexes, (0..300).collect::<Vec<_>>());
        assert_eq!(audit::verify(&chain(&nodes[0]).await).unwrap().entries, 300);
        for (node, log) in nodes.iter().zip(&logs) {
            log.close().await;
            node.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_strangers_sent_is_kept_as_far_as_it_can_be() {
    for_each_engine(async |db| {
        let log = Log::open(&db).await.unwrap();
        let odd = "a\0b\u{1}\n\"\\ü🦀\u{2028}";
        let long = "ü".repeat(4000);
        log.append(Record::new(entry(odd).because(long), NOW)).await.unwrap();
        let entries = chain(&db).await;
        audit::verify(&entries).unwrap();
        assert_eq!(entries[0].object, odd.replace('\0', "\u{fffd}"));
        assert!(entries[0].reason.len() <= 1024 && entries[0].reason.ends_with("ü…"));
        log.close().await;
    })
    .await;
}
