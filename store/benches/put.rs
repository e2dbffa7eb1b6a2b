//! How many rows a second `put` makes durable: `cargo bench -p muster-store [-- postgres://…]`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "it measures, and stops where it cannot")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use muster_store::{Db, Rows, Statement};

static TWIN: Rows = Rows {
    name: "bench twin",
    sql: "INSERT INTO bench_twin (id, tags, desired, version)
        SELECT value->>'id', value->>'tags', value->>'desired', CAST(value->>'version' AS BIGINT)
        FROM {rows} WHERE true
        ON CONFLICT (id) DO UPDATE SET tags = excluded.tags, desired = excluded.desired, version = excluded.version
        WHERE bench_twin.version < excluded.version RETURNING id AS key",
};

const DEVICES: u64 = 100_000;
const TIME: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let folder = std::env::temp_dir().join(format!("muster-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let db = match std::env::args().find(|arg| arg.starts_with("postgres:")) {
        Some(url) => Db::open_postgres(&url).await.unwrap(),
        None => Db::open_sqlite(&folder.join("bench.db")).await.unwrap(),
    };
    let table =
        "CREATE TABLE bench_twin (id TEXT PRIMARY KEY, tags TEXT, desired TEXT, version BIGINT NOT NULL)";
    db.write(vec![Statement::new("DROP TABLE IF EXISTS bench_twin", []), Statement::new(table, [])])
        .await
        .unwrap();
    for callers in [1, 64, 512, 64, 512] {
        measure(&db, callers).await;
    }
    db.close().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

async fn measure(db: &Db, callers: u64) {
    let version = Arc::new(AtomicU64::new(1));
    let start = Instant::now();
    let tasks =
        (0..callers).map(|caller| tokio::spawn(put_for_a_while(db.clone(), caller, version.clone(), start)));
    let mut waits = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        waits.extend(task.await.unwrap());
    }
    let rate = waits.len() as f64 / start.elapsed().as_secs_f64();
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    println!(
        "{callers:4} callers: {rate:8.0} rows/s, p50 {:.1?}, p99 {:.1?}, max {:.1?}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

async fn put_for_a_while(db: Db, caller: u64, version: Arc<AtomicU64>, start: Instant) -> Vec<Duration> {
    let mut waits = Vec::new();
    let mut random = caller.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    while start.elapsed() < TIME {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let id = format!("device-{:06}", (random >> 33) % DEVICES);
        let row = json!({
            "id": id, "version": version.fetch_add(1, Ordering::Relaxed),
            "tags": r#"{"site":"north","line":7,"owner":"a team of some name"}"#, "desired": "x".repeat(420),
        });
        let asked = Instant::now();
        db.put(&TWIN, &id, row).await.unwrap();
        waits.push(asked.elapsed());
    }
    waits
}
