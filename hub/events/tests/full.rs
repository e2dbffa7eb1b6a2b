//! No more room: nothing is acknowledged that is not there, and the log goes on when there is room again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod events;

use std::time::Duration;

use events::{at, bodies, event, options};
use jiff::SignedDuration;
use muster_events::{AppendError, Log, Options, Retention};

const ALL: Retention = Retention { age: SignedDuration::MAX, bytes: 0 };

#[tokio::test]
async fn a_full_disk_fails_the_append_and_the_log_lives_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.db");
    let small = Options { file_bytes_max: Some(1024 * 1024), ..options() };
    let log = Log::open(&path, &small).unwrap();
    let partition = log.partition_of("d");
    let mut acknowledged = 0_u64;
    let refused = loop {
        // Numbered, so that what is there can be told from what is not.
        let events =
            (0..4).map(|at| event("d", &[&(acknowledged + at).to_be_bytes()[..], &[0; 5_000]].concat()));
        match log.append(events.collect()).await {
            Ok(()) => acknowledged += 4,
            Err(error) => break error,
        }
        assert!(acknowledged < 1_000, "the file never got full");
    };
    assert!(matches!(refused, AppendError::Storage(_)), "{refused}");
    assert!(acknowledged > 40);

    // All that was acknowledged, nothing of what was refused.
    assert_eq!(log.extent(partition).next, acknowledged);
    let found = bodies(&log, "d").await;
    assert!(found.iter().map(|body| u64::from_be_bytes(body[..8].try_into().unwrap())).eq(0..acknowledged));
    assert!(log.append(vec![event("d", &[0; 20_000])]).await.is_err(), "still full");

    log.trim(&ALL, at(0)).await.unwrap();
    log.append(vec![event("d", b"room again")]).await.unwrap();
    let found = log.read(partition, 0, 10).await.unwrap();
    assert_eq!((found[0].offset, &found[0].event.body[..]), (acknowledged, &b"room again"[..]));

    log.close().await;
    let log = Log::open(&path, &small).unwrap();
    assert_eq!(bodies(&log, "d").await, [b"room again"]);
}

#[tokio::test]
async fn all_calls_of_a_failed_commit_fail() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options { file_bytes_max: Some(1024 * 1024), ..options() };
    let log = Log::open(&dir.path().join("events.db"), &small).unwrap();
    let calls = (0..40).map(|_| log.append(vec![event("d", &[0; 100_000])]));
    let results = futures::future::join_all(calls).await;
    let stored = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(bodies(&log, "d").await.len(), stored);
    assert!(stored < 40);
}

/// Who holds the file back from the writer: what is queued then stays within its bounds.
fn blocker(path: &std::path::Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.db");
    let log = Log::open(&path, &Options { queue_events_max: 4, ..options() }).unwrap();
    let blocker = blocker(&path);
    let append =
        |log: Log| tokio::spawn(async move { log.append(vec![event("d", b"1"), event("d", b"2")]).await });
    let calls: Vec<_> = (0..5).map(|_| append(log.clone())).collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(calls.iter().all(|call| !call.is_finished()));
    // A caller that gives up while it waits for room leaves nothing behind.
    let given_up = append(log.clone());
    tokio::time::sleep(Duration::from_millis(20)).await;
    given_up.abort();
    blocker.execute_batch("ROLLBACK").unwrap();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(bodies(&log, "d").await.len(), 10);
}

#[tokio::test]
async fn order_is_kept_while_callers_wait_for_room() {
    let dir = tempfile::tempdir().unwrap();
    let log =
        Log::open(&dir.path().join("events.db"), &Options { queue_events_max: 4, ..options() }).unwrap();
    let calls: Vec<_> = (0..200_u8)
        .map(|call| log.append((0..1 + call % 4).map(|_| event("d", &[call])).collect()))
        .collect();
    for done in futures::future::join_all(calls).await {
        done.unwrap();
    }
    let found = bodies(&log, "d").await.concat();
    assert!(found.is_sorted(), "{found:?}");
}

#[tokio::test]
async fn what_is_queued_is_written_even_when_nobody_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.db");
    let log = Log::open(&path, &options()).unwrap();
    let blocker = blocker(&path);
    let copy = log.clone();
    let call = tokio::spawn(async move { copy.append(vec![event("d", b"x")]).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    call.abort();
    let _ = call.await;
    blocker.execute_batch("ROLLBACK").unwrap();
    log.append(vec![event("d", b"y")]).await.unwrap();
    assert_eq!(bodies(&log, "d").await, [b"x", b"y"]);
}

#[tokio::test]
async fn closing_commits_what_is_queued() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.db");
    let log = Log::open(&path, &options()).unwrap();
    let blocker = blocker(&path);
    let copy = log.clone();
    let call = tokio::spawn(async move { copy.append(vec![event("d", b"x")]).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (_, ()) = tokio::join!(log.close(), async { blocker.execute_batch("ROLLBACK").unwrap() });
    call.await.unwrap().unwrap();
}
