//! Appending and reading: offsets, order, limits, opening again.

mod events;

use std::{path::Path, time::Duration};

use events::{bodies, event, open, options};
use muster_events::{AppendError, EVENT_BYTES_MAX, Event, Extent, Log, OpenError, Options, ReadError};

#[tokio::test]
async fn offsets_start_at_0_and_grow_by_1_in_each_partition() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for call in 0..10 {
        log.append((0..10).map(|at| event(&format!("device-{at}"), &[call])).collect()).await.unwrap();
    }
    let mut total = 0;
    for partition in 0..log.partitions() {
        let found = log.read(partition, 0, 1000).await.unwrap();
        assert!(found.iter().map(|stored| stored.offset).eq(0..found.len() as u64));
        assert!(found.iter().all(|stored| log.partition_of(&stored.event.device) == partition));
        assert_eq!(log.extent(partition), Extent { first: 0, next: found.len() as u64 });
        total += found.len();
    }
    assert_eq!(total, 100);
}

#[tokio::test]
async fn events_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut sent = event("device-1", b"\x00\xff not text");
    sent.module = Some("module".into());
    log.append(vec![sent.clone()]).await.unwrap();
    let found = log.read(log.partition_of("device-1"), 0, 1).await.unwrap();
    assert_eq!(found[0].event, sent);
}

#[tokio::test]
async fn calls_of_one_task_keep_their_order_even_when_they_do_not_wait_for_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let calls: Vec<_> = (0..200_u8).map(|at| log.append(vec![event("d", &[at])])).collect();
    for done in futures::future::join_all(calls).await {
        done.unwrap();
    }
    assert_eq!(bodies(&log, "d").await.concat(), (0..200).collect::<Vec<u8>>());
}

#[tokio::test]
async fn reading_starts_and_ends_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for call in 0..20_u8 {
        log.append((0..5).map(|at| event("d", &[call * 5 + at])).collect()).await.unwrap();
    }
    let partition = log.partition_of("d");
    for (from, max) in [(0, 100), (0, 1), (3, 4), (4, 2), (5, 5), (99, 1), (99, 100), (50, 0)] {
        let found = log.read(partition, from, max).await.unwrap();
        let end = (from + max as u64).min(100);
        assert!(found.iter().map(|stored| stored.offset).eq(from..end), "{from} {max}");
        assert!(found.iter().map(|stored| u64::from(stored.event.body[0])).eq(from..end));
    }
    assert_eq!(log.read(partition, 100, 10).await.unwrap(), []);
    assert_eq!(log.read(partition, u64::MAX, 10).await.unwrap(), []);
}

#[tokio::test]
async fn an_answer_is_bounded_in_bytes_and_the_next_goes_on_from_there() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let body = vec![7; 900_000];
    for _ in 0..3 {
        log.append((0..3).map(|_| event("d", &body)).collect()).await.unwrap();
    }
    let partition = log.partition_of("d");
    let first = log.read(partition, 0, 100).await.unwrap();
    assert_eq!(first.len(), 4, "4 MiB");
    let second = log.read(partition, 4, 100).await.unwrap();
    assert_eq!(second.first().unwrap().offset, 4);
}

#[tokio::test]
async fn a_partition_that_does_not_exist_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    assert_eq!(log.read(4, 0, 1).await, Err(ReadError::Partition { partition: 4, partitions: 4 }));
    assert_eq!(log.extent(4), Extent { first: 0, next: 0 });
}

#[tokio::test]
async fn a_commit_is_seen_by_those_who_wait_for_a_change() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut changed = log.changed();
    changed.mark_unchanged();
    let waiting = tokio::spawn(async move { changed.changed().await });
    log.append(vec![event("d", b"x")]).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_log_opened_again_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(vec![event("d", b"0"), event("d", b"1")]).await.unwrap();
    log.close().await;
    let log = open(dir.path());
    assert_eq!(log.extent(log.partition_of("d")), Extent { first: 0, next: 2 });
    log.append(vec![event("d", b"2")]).await.unwrap();
    assert_eq!(bodies(&log, "d").await, [b"0", b"1", b"2"]);
}

#[tokio::test]
async fn closing_leaves_one_file_and_refuses_what_comes_later() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let last = log.append(vec![event("d", b"x")]);
    last.await.unwrap();
    log.close().await;
    assert_eq!(log.append(vec![event("d", b"y")]).await, Err(AppendError::Closed));
    assert_eq!(log.read(log.partition_of("d"), 0, 1).await, Err(ReadError::Closed));
    let names: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["events.db"]);
}

#[tokio::test]
async fn nothing_at_all_is_appended_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(Vec::new()).await.unwrap();
    assert_eq!(*log.changed().borrow(), 1, "opening counts as one");
}

#[tokio::test]
async fn too_much_at_once_is_refused_with_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let log =
        Log::open(&dir.path().join("events.db"), &Options { queue_events_max: 3, ..options() }).unwrap();
    let huge = event("d", &vec![0; EVENT_BYTES_MAX]);
    let Err(AppendError::EventTooLarge { bytes, max }) = log.append(vec![huge]).await else { panic!() };
    assert!(bytes > max && max == EVENT_BYTES_MAX);
    let many: Vec<Event> = (0..4).map(|_| event("d", b"x")).collect();
    let refused = log.append(many).await;
    assert!(
        matches!(refused, Err(AppendError::CallTooLarge { events: 4, events_max: 3, .. })),
        "{refused:?}"
    );
    assert_eq!(bodies(&log, "d").await, [[0; 0]; 0]);
}

#[tokio::test]
async fn the_number_of_partitions_is_fixed_when_the_log_is_made() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).close().await;
    let path = dir.path().join("events.db");
    let refused = Log::open(&path, &Options { partitions: 8, ..options() }).err().unwrap();
    assert!(matches!(refused, OpenError::Partitions { found: 4, asked: 8, .. }), "{refused}");
    for asked in [0, 33] {
        let refused = Log::open(&path, &Options { partitions: asked, ..options() }).err().unwrap();
        assert!(matches!(refused, OpenError::PartitionsRange { .. }), "{refused}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_event_log_is_left_alone() {
    fn refused(path: &Path) -> OpenError {
        Log::open(path, &options()).err().unwrap()
    }
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("text");
    std::fs::write(&text, "not a database, but long enough to look at it closely".repeat(20)).unwrap();
    assert!(matches!(refused(&text), OpenError::Foreign { .. }));
    let other = dir.path().join("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(matches!(refused(&other), OpenError::Foreign { .. }));
    let newer = dir.path().join("events.db");
    open(dir.path()).close().await;
    rusqlite::Connection::open(&newer).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    assert!(matches!(refused(&newer), OpenError::Format { found: 2, known: 1, .. }));
    assert!(matches!(refused(Path::new("/no/such/folder/events.db")), OpenError::Storage { .. }));
}
