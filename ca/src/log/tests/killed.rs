//! A process that records is killed, again and again: whatever it had answered is there, and both logs are whole.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::join_all;
use jiff::Timestamp;

use muster_store::Db;

use super::certificate;
use crate::{
    audit::{self, Action, Decision, Entry, sql as audit_sql},
    caller::Caller,
    log::{Log, Record, edge::Edge, leaf_hash, sha256, sql},
};

/// In the environment of the process that is killed: where its database is.
const DATABASE: &str = "MUSTER_TEST_KILLED_DATABASE";
const TEST: &str = "log::tests::killed::what_was_answered_before_a_kill_is_recorded_and_both_logs_are_whole";
const KILLS: usize = 6;
const CALLERS: u64 = 32;

#[tokio::test]
async fn what_was_answered_before_a_kill_is_recorded_and_both_logs_are_whole() {
    if let Some(path) = std::env::var_os(DATABASE) {
        return record_until_killed(Path::new(&path)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("muster.db");
    for kill in 0..KILLS {
        let mut answered = killed_after(&path, 50 + kill * 211);
        let db = Db::open_sqlite(&path).await.unwrap();
        let entries = audit_sql::page(&db, 1, u64::MAX, 1_000_000).await.unwrap();
        let chain = audit::verify(&entries).unwrap();
        let head = sql::head(&db).await.unwrap();
        assert_eq!(head.chain, chain);
        // Every entry has its certificate, every certificate its entry, and the tree has them all.
        let stored = sql::certificates(&db, 0, u64::MAX).await.unwrap();
        let ders: Vec<_> = stored.iter().map(|(_, base64)| STANDARD.decode(base64).unwrap()).collect();
        assert_eq!(ders.len(), entries.len());
        let recorded = entries.iter().map(|entry| entry.certificate_sha256.unwrap());
        assert!(ders.iter().map(|der| sha256(&[der])).eq(recorded));
        let mut edge = Edge::default();
        edge.append(&ders.iter().map(|der| leaf_hash(der)).collect::<Vec<_>>());
        assert!(head.edge == edge);
        answered.retain(|(number, index)| {
            let entry = &entries[*index as usize];
            (entry.object.as_str(), entry.log_index) != (number, Some(*index))
        });
        assert_eq!(answered, [], "answered, but not recorded");
        db.close().await;
    }
}

/// Starts a process that records, reads some of its answers, kills it, reads the rest of them.
fn killed_after(path: &Path, answers: usize) -> Vec<(String, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env(DATABASE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut answered = Vec::new();
    let mut read = |line: String| {
        let mut words = line.split(' ');
        if words.next() == Some("answered") {
            answered.push((words.next().unwrap().to_owned(), words.next().unwrap().parse().unwrap()));
        }
        answered.len()
    };
    while let Some(Ok(line)) = lines.next() {
        if read(line) >= answers {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines.map_while(Result::ok) {
        if line.ends_with(';') {
            read(line); // not cut short
        }
    }
    assert!(answered.len() >= answers, "it ended by itself after {} answers", answered.len());
    answered
}

async fn record_until_killed(path: &Path) {
    let db = Db::open_sqlite(path).await.unwrap();
    let log = Log::open(&db).await.unwrap();
    let first = sql::head(&db).await.unwrap().edge.size() * CALLERS;
    let callers = (0..CALLERS).map(async |caller| {
        for number in (first + caller..).step_by(CALLERS as usize) {
            let entry = Entry::new(
                &Caller::process(),
                Action::CertificateIssue,
                number.to_string(),
                Decision::Allowed,
            );
            let record = Record::new(entry, Timestamp::UNIX_EPOCH).certificate(&certificate(number));
            let place = log.append(record).await.unwrap();
            println!("answered {number} {} ;", place.log_index.unwrap());
        }
    });
    join_all(callers).await;
}
