//! What tests of this crate start from: a clock, randomness, an authority in a folder, and openssl as the outside judge.

use std::{path::Path, process::Command, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use muster_store::Db;

use crate::{Ca, Entropy, OpenError, Settings};

pub(crate) const DAY: SignedDuration = SignedDuration::from_hours(24);

pub(crate) fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

pub(crate) fn entropy() -> Entropy {
    Arc::new(|bytes| aws_lc_rs::rand::fill(bytes).unwrap())
}

/// Keys in `dir/ca`, records in `db`.
pub(crate) async fn open(dir: &Path, db: &Db, at: Timestamp) -> Result<Arc<Ca>, OpenError> {
    Ca::open(Settings::new(dir), db.clone(), entropy(), at).await
}

/// What openssl says; it must agree.
pub(crate) fn openssl(arguments: &[&str]) -> String {
    let (agreed, said) = openssl_says(arguments);
    assert!(agreed, "openssl {arguments:?}: {said}");
    said
}

/// Whether openssl agrees, and what it says.
pub(crate) fn openssl_says(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).output();
    let output = output.expect("openssl must be on the PATH: apt-get install openssl");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}
