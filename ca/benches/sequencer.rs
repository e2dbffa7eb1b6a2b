//! How many certificates a second become durable in both logs: `cargo bench -p muster-ca [-- postgres://…] [million]`.
//!
//! *append* is the second half of an issuance: the row of the certificate, its leaf, its audit entry. *issue* has the
//! first half, too: a row with the serial and what will be signed, in a commit of its own before it.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "it measures, and stops where it cannot")]

use std::{
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;

use muster_ca::{Action, Caller, Decision, Entry, Log, Record};
use muster_store::{Db, Rows, Statement};
use muster_x509::Certificate;

static PREPARED: Rows = Rows {
    name: "bench certificate",
    sql: "INSERT INTO bench_certificate (serial, tbs, holder) \
          SELECT value->>'serial', value->>'tbs', value->>'holder' FROM {rows} RETURNING serial AS key",
};

static ISSUED: Rows = Rows {
    name: "bench certificate issued",
    sql: "UPDATE bench_certificate SET log_index = CAST(value->>'log_index' AS BIGINT), \
          sequence = CAST(value->>'sequence' AS BIGINT) \
          FROM {rows} WHERE bench_certificate.serial = value->>'serial' RETURNING bench_certificate.serial AS key",
};

const TIME: Duration = Duration::from_secs(5);
const MILLION: u64 = 1_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Append,
    Issue,
}

struct Bench {
    db: Db,
    log: Log,
    certificate: Certificate,
    next: AtomicU64,
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    println!("fdatasync of 600 bytes appended: {:.0}/s", syncs_per_second(&folder.path().join("raw")));
    let db = match std::env::args().find(|arg| arg.starts_with("postgres:")) {
        Some(url) => Db::open_postgres(&url).await.unwrap(),
        None => Db::open_sqlite(&folder.path().join("bench.db")).await.unwrap(),
    };
    let table = "CREATE TABLE bench_certificate (serial TEXT NOT NULL PRIMARY KEY, tbs TEXT NOT NULL, \
                 holder TEXT NOT NULL, log_index BIGINT UNIQUE, sequence BIGINT)";
    db.write(vec![Statement::new("DROP TABLE IF EXISTS bench_certificate", []), Statement::new(table, [])])
        .await
        .unwrap();
    let log = Log::open(&db).await.unwrap();
    let bench = Arc::new(Bench { db, log, certificate: certificate(), next: AtomicU64::new(0) });
    for work in [Work::Append, Work::Issue] {
        for callers in [4, 16, 100] {
            measure(&bench, work, callers).await;
        }
    }
    if std::env::args().any(|arg| arg == "million") {
        fill(&bench, 500).await;
        measure(&bench, Work::Issue, 16).await;
    }
    bench.log.close().await;
    let opened = Instant::now();
    let again = Log::open(&bench.db).await.unwrap();
    println!("opened with {} certificates in {:.1?}", bench.next.load(Ordering::Relaxed), opened.elapsed());
    again.close().await;
    bench.db.close().await;
}

async fn measure(bench: &Arc<Bench>, work: Work, callers: u64) {
    let start = Instant::now();
    let tasks = (0..callers).map(|_| tokio::spawn(record_for_a_while(Arc::clone(bench), work, start)));
    let mut waits = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        waits.extend(task.await.unwrap());
    }
    let rate = waits.len() as f64 / start.elapsed().as_secs_f64();
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    let name = match work {
        Work::Append => "append",
        Work::Issue => "issue",
    };
    println!(
        "{name:6} {callers:4} callers: {rate:8.0}/s, p50 {:.1?}, p99 {:.1?}, max {:.1?}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

async fn record_for_a_while(bench: Arc<Bench>, work: Work, start: Instant) -> Vec<Duration> {
    let mut waits = Vec::new();
    while start.elapsed() < TIME {
        let asked = Instant::now();
        record(&bench, work).await;
        waits.push(asked.elapsed());
    }
    waits
}

/// Until there are a million.
async fn fill(bench: &Arc<Bench>, callers: u64) {
    let start = Instant::now();
    let tasks = (0..callers).map(|_| {
        let bench = Arc::clone(bench);
        tokio::spawn(async move {
            while bench.next.load(Ordering::Relaxed) < MILLION {
                record(&bench, Work::Append).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    println!("{} certificates after {:.1?} more", bench.next.load(Ordering::Relaxed), start.elapsed());
}

async fn record(bench: &Bench, work: Work) {
    let number = bench.next.fetch_add(1, Ordering::Relaxed);
    // As random as serials are: neighbours in time are none in the index.
    let serial =
        format!("{:032x}", u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
    let prepared = json!({ "serial": serial, "tbs": "x".repeat(680), "holder": format!("device-{number}") });
    let object = format!("certificate/{serial}");
    let entry = Entry::new(&Caller::process(), Action::CertificateIssue, object, Decision::Allowed);
    let mut record = Record::new(entry, Timestamp::UNIX_EPOCH).certificate(&bench.certificate);
    match work {
        Work::Append => record = record.row(&PREPARED, &prepared),
        Work::Issue => {
            assert!(bench.db.put(&PREPARED, &serial, prepared).await.unwrap());
            record = record.row(&ISSUED, &json!({ "serial": serial }));
        }
    }
    bench.log.append(record).await.unwrap();
}

fn certificate() -> Certificate {
    let params = CertificateParams::new(vec!["device-000001.factory.example".to_owned()]).unwrap();
    let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    Certificate::parse(made.der()).unwrap()
}

fn syncs_per_second(path: &Path) -> f64 {
    let mut file = std::fs::File::create(path).unwrap();
    let start = Instant::now();
    let mut syncs = 0;
    while start.elapsed() < TIME / 2 {
        file.write_all(&[7; 600]).unwrap();
        file.sync_data().unwrap();
        syncs += 1;
    }
    f64::from(syncs) / start.elapsed().as_secs_f64()
}
