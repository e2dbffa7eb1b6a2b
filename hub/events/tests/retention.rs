//! Trimming by age and size: whole batches, the oldest first, and offsets never come back.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod events;

use events::{at, bodies, event, event_at, open};
use jiff::SignedDuration;
use muster_events::{Extent, Log, Retention, Trimmed};

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn by_age(age: SignedDuration) -> Retention {
    Retention { age, bytes: u64::MAX }
}

fn by_size(bytes: u64) -> Retention {
    Retention { age: SignedDuration::MAX, bytes }
}

/// Ten batches of device `a`, one a second, and a single one of `z`, in another partition, after the fifth.
async fn filled(log: &Log) {
    assert_ne!(log.partition_of("device-1"), log.partition_of("acc-dev-9a541312"));
    for second in 0..10 {
        log.append((0..3).map(|_| event_at("device-1", &[second as u8; 100], second)).collect())
            .await
            .unwrap();
        if second == 5 {
            log.append(vec![event_at("acc-dev-9a541312", &[0; 100], second)]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_too_old_goes() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    filled(&log).await;
    let partition = log.partition_of("device-1");
    let trimmed = log.trim(&by_age(SignedDuration::from_secs(3)), at(9)).await.unwrap();
    assert_eq!((trimmed.batches, trimmed.events), (7, 19), "seconds 0 to 5, with the other device's");
    assert_eq!(log.extent(partition), Extent { first: 18, next: 30 });
    assert_eq!(log.extent(log.partition_of("acc-dev-9a541312")), Extent { first: 1, next: 1 });
    // From an offset that is gone, reading goes on with the first there is.
    assert_eq!(log.read(partition, 0, 1).await.unwrap()[0].offset, 18);
    let again = log.trim(&by_age(SignedDuration::from_secs(3)), at(9)).await.unwrap();
    assert_eq!(again, Trimmed::default());
}

#[tokio::test]
async fn the_oldest_go_until_the_rest_is_small_enough() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    filled(&log).await;
    let nothing = log.trim(&by_size(1 << 40), at(9)).await.unwrap();
    assert_eq!(nothing, Trimmed::default());
    let trimmed = log.trim(&by_size(1_500), at(9)).await.unwrap();
    assert!(trimmed.events > 0 && trimmed.bytes > 1_500, "{trimmed:?}");
    let left = bodies(&log, "device-1").await;
    assert!(!left.is_empty() && left.len().is_multiple_of(3), "whole batches");
    assert_eq!(left.last().unwrap()[0], 9, "the newest stays");
    assert!(bodies(&log, "acc-dev-9a541312").await.is_empty(), "it was older than what stays");
}

#[tokio::test]
async fn many_batches_go_in_one_call() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for _ in 0..150 {
        log.append(vec![event("d", b"x")]).await.unwrap();
    }
    let trimmed = log.trim(&by_age(DAY), at(48 * 3600)).await.unwrap();
    assert_eq!((trimmed.batches, trimmed.events), (150, 150));
}

#[tokio::test]
async fn offsets_go_on_after_everything_was_trimmed_even_when_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    filled(&log).await;
    log.trim(&by_size(0), at(9)).await.unwrap();
    let partition = log.partition_of("device-1");
    assert_eq!(log.extent(partition), Extent { first: 30, next: 30 });
    log.close().await;

    let log = open(dir.path());
    assert_eq!(log.extent(partition), Extent { first: 30, next: 30 });
    log.append(vec![event("device-1", b"new")]).await.unwrap();
    let found = log.read(partition, 0, 10).await.unwrap();
    assert_eq!(found.iter().map(|stored| stored.offset).collect::<Vec<_>>(), [30]);
    let trimmed = log.trim(&by_size(0), at(9)).await.unwrap();
    assert_eq!(trimmed.events, 1);
    assert!(trimmed.bytes < 1000, "the size is of what is there, not of what ever was: {trimmed:?}");
}

#[tokio::test]
async fn the_room_of_what_was_trimmed_is_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let fill = async || {
        for _ in 0..20 {
            log.append((0..10).map(|_| event("d", &[1; 10_000])).collect()).await.unwrap();
        }
        log.trim(&by_size(0), at(0)).await.unwrap();
    };
    fill().await;
    for _ in 0..3 {
        fill().await;
    }
    log.close().await;
    let bytes = std::fs::metadata(dir.path().join("events.db")).unwrap().len();
    assert!(bytes < 4_000_000, "{bytes} after 8 MB, never more than 2 at once");
}

#[tokio::test]
async fn appends_have_their_turn_while_a_trim_runs() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for _ in 0..200 {
        log.append(vec![event("d", b"x")]).await.unwrap();
    }
    let retention = by_size(0);
    let (trimmed, appended) = tokio::join!(log.trim(&retention, at(0)), async {
        for _ in 0..10 {
            log.append(vec![event("other", b"y")]).await.unwrap();
        }
    });
    assert!(trimmed.unwrap().events >= 200);
    let () = appended;
}
