//! What rots on disk is noticed, named, and costs no more than its own batch.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod events;

use std::path::Path;

use events::{bodies, event, open};
use muster_events::{Log, ReadError};

async fn three_batches(dir: &Path) -> Log {
    let log = open(dir);
    for batch in 0..3 {
        log.append((0..4).map(|at| event("d", &[batch * 4 + at; 50_000])).collect()).await.unwrap();
    }
    log
}

fn change(dir: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(dir.join("events.db")).unwrap();
    assert_eq!(connection.execute(sql, []).unwrap(), 1, "{sql}");
}

#[tokio::test]
async fn a_damaged_batch_is_named_and_the_later_ones_stay_readable() {
    let dir = tempfile::tempdir().unwrap();
    let log = three_batches(dir.path()).await;
    let partition = log.partition_of("d");
    change(
        dir.path(),
        "UPDATE batch SET data = CAST(substr(data, 1, 1000) || X'55' || substr(data, 1002) AS BLOB)
         WHERE first_offset = 4",
    );
    // What is before the damage comes first.
    let found = log.read(partition, 0, 100).await.unwrap();
    assert_eq!(found.len(), 4);
    let error = log.read(partition, 4, 100).await.unwrap_err();
    assert_eq!(
        error,
        ReadError::Corrupt { partition, offset: 4, next: 8, reason: "checksum does not match" }
    );
    assert_eq!(
        error.to_string(),
        format!(
            "events 4 to 7 of partition {partition} are damaged on disk (checksum does not match); \
             restore the file from a backup, or read on from 8"
        )
    );
    let ReadError::Corrupt { next, .. } = error else { panic!() };
    let found = log.read(partition, next, 100).await.unwrap();
    assert!(found.iter().map(|stored| stored.offset).eq(8..12));
}

#[tokio::test]
async fn a_damaged_count_does_not_lead_astray() {
    let dir = tempfile::tempdir().unwrap();
    let log = three_batches(dir.path()).await;
    let partition = log.partition_of("d");
    change(dir.path(), "UPDATE batch SET count = 1000 WHERE first_offset = 4");
    let error = log.read(partition, 5, 100).await.unwrap_err();
    assert!(matches!(error, ReadError::Corrupt { offset: 5, next: 8, .. }), "{error}");
}

#[tokio::test]
async fn a_log_whose_last_batch_is_damaged_opens_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    three_batches(dir.path()).await.close().await;
    change(dir.path(), "UPDATE batch SET data = X'01020304' WHERE first_offset = 8");
    let log = open(dir.path());
    let partition = log.partition_of("d");
    log.append(vec![event("d", b"new")]).await.unwrap();
    let error = log.read(partition, 8, 1).await.unwrap_err();
    assert!(matches!(error, ReadError::Corrupt { offset: 8, next: 12, .. }), "{error}");
    assert_eq!(log.read(partition, 12, 1).await.unwrap()[0].event.body, "new");
}

/// The page is overwritten behind SQLite's back, as a disk would.
#[tokio::test]
async fn a_damaged_page_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    three_batches(dir.path()).await.close().await;
    let path = dir.path().join("events.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(40_000).position(|window| window.iter().all(|byte| *byte == 5));
    assert!(at.is_none(), "a page link stands in between");
    let at = bytes.windows(5_000).position(|window| window.iter().all(|byte| *byte == 5)).unwrap();
    bytes[at + 100..at + 200].fill(0);
    std::fs::write(&path, bytes).unwrap();
    let log = open(dir.path());
    let partition = log.partition_of("d");
    assert!(matches!(log.read(partition, 4, 100).await, Err(ReadError::Corrupt { offset: 4, next: 8, .. })));
    assert_eq!(log.read(partition, 8, 100).await.unwrap().len(), 4);
}

/// Power that went in the middle of a write: the last commit's frames in the WAL are there in part.
#[tokio::test]
async fn a_torn_write_costs_only_what_was_never_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for body in [b"0", b"1", b"2"] {
        log.append(vec![event("d", body)]).await.unwrap();
    }
    let (path, wal) = (dir.path().join("events.db"), dir.path().join("events.db-wal"));
    let acknowledged = std::fs::metadata(&wal).unwrap().len();
    log.append(vec![event("d", b"3"), event("d", &[4; 40_000])]).await.unwrap();
    let after = std::fs::metadata(&wal).unwrap().len();
    assert!(after > acknowledged + 40_000);
    for torn in [acknowledged, acknowledged + 1, acknowledged + 20_000, after - 1] {
        let copy = tempfile::tempdir().unwrap();
        std::fs::copy(&path, copy.path().join("events.db")).unwrap();
        std::fs::copy(&wal, copy.path().join("events.db-wal")).unwrap();
        let file = std::fs::File::options().write(true).open(copy.path().join("events.db-wal")).unwrap();
        file.set_len(torn).unwrap();
        // What the disk had kept instead of the rest.
        file.set_len(after).unwrap();
        let log = open(copy.path());
        assert_eq!(bodies(&log, "d").await, [b"0", b"1", b"2"], "{torn}");
        log.append(vec![event("d", b"new")]).await.unwrap();
        assert_eq!(log.extent(log.partition_of("d")).next, 4);
    }
}
