//! SQL of profiles.

use jiff::Timestamp;

use muster_store::{Db, Statement, StoreError};

const ALL: &str = "SELECT name, version, source FROM ca_profile ORDER BY name, version";

const INSERT: &str = "INSERT INTO ca_profile (name, version, source, created) VALUES ($1, $2, $3, $4)";

/// Name, version, text: empty when the profile is no more from that version on.
pub(super) async fn all(db: &Db) -> Result<Vec<(String, u32, String)>, StoreError> {
    let rows = db.fetch(ALL, &[]).await?;
    let version = |version: i64| u32::try_from(version).unwrap_or(u32::MAX);
    let read = |row: &muster_store::Row| {
        Ok((row.text("name")?.to_owned(), version(row.int("version")?), row.text("source")?.to_owned()))
    };
    rows.iter().map(read).collect()
}

pub(super) fn insert(name: &str, version: u32, source: &str, now: Timestamp) -> Statement {
    let args = [name.into(), version.into(), source.into(), now.as_microsecond().into()];
    Statement::new(INSERT, args).exactly(1)
}
