//! Connections to the database that break, also in the middle of a commit: what was answered stands, in one chain.

use futures::future::join_all;
use jiff::Timestamp;

use muster_store::WriteError;
use muster_test_engines::{Place, for_each_place};

use crate::{
    audit::{self, Action, Decision, Entry, sql as audit_sql},
    caller::Caller,
    log::{Log, Record, Recorded, sql},
};

const CALLERS: usize = 8;
const EACH: usize = 150;

#[tokio::test]
async fn what_was_answered_stands_once_whatever_happens_to_connections() {
    for_each_place(async |place| {
        let Place::Server(_) = place else { return }; // a file has no connections to lose
        let (db, other) = (place.open().await, place.open().await);
        let log = Log::open(&db).await.unwrap();
        let record = |caller: usize, n: usize| {
            let object = format!("{caller}-{n}");
            Record::new(
                Entry::new(&Caller::process(), Action::SignIn, object, Decision::Allowed),
                Timestamp::UNIX_EPOCH,
            )
        };
        let callers = join_all((0..CALLERS).map(async |caller| {
            let mut answers = Vec::new();
            for n in 0..EACH {
                answers.push((format!("{caller}-{n}"), log.append(record(caller, n)).await));
            }
            answers
        }));
        let breaking = async {
            let sql = "SELECT CAST(COUNT(pg_terminate_backend(pid)) AS BIGINT) AS n FROM pg_stat_activity \
                       WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%ca_%'";
            while !other.fetch(sql, &[]).await.is_ok_and(|rows| rows.is_empty()) {}
        };
        let answers = tokio::select! { answers = callers => answers, () = breaking => Vec::new() };
        let whole = place.open().await;
        let entries = audit_sql::page(&whole, 1, u64::MAX, 10_000).await.unwrap();
        assert_eq!(audit::verify(&entries).unwrap(), sql::head(&whole).await.unwrap().chain);
        let (mut stands, mut failed) = (0, 0);
        for (object, answer) in answers.into_iter().flatten() {
            let found: Vec<_> = entries.iter().filter(|entry| entry.object == object).collect();
            match answer {
                Ok(Recorded { sequence, .. }) => {
                    stands += 1;
                    assert_eq!(found.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [sequence]);
                }
                Err(WriteError::Uncertain(_)) => assert!(found.len() <= 1),
                Err(WriteError::Failed(_)) => {
                    failed += 1;
                    assert!(found.is_empty(), "{object} was said to have failed");
                }
                Err(error) => panic!("{object}: {error}"),
            }
        }
        eprintln!("{stands} stand, {failed} failed");
        log.close().await;
    })
    .await;
}
