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
pub(crate) fn open(
    dir: &Path,
    db: &Db,
    at: Timestamp,
) -> impl Future<Output = Result<Arc<Ca>, OpenError>> + use<> {
    Ca::open(Settings::new(dir), db.clone(), entropy(), at)
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

/// Runs a test again in a process of its own, with these variables in its environment: this one's cannot be changed
/// safely. True in that process; false, after it succeeded, in the first one.
pub(crate) fn in_own_process(module: &str, test: &str, environment: &[(&str, &str)]) -> bool {
    const MARK: &str = "MUSTER_TEST_OWN_PROCESS";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let path = format!("{module}::{test}");
    let name = path.split_once("::").unwrap().1; // without the crate
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture"]).env(MARK, "1").envs(environment.iter().copied());
    let output = command.output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "in a process of its own: {said}");
    false
}

/// Whether openssl takes this as a signature by that key; for Ed25519 there is no digest.
pub(crate) fn openssl_verifies(
    spki_der: &[u8],
    digest: Option<&str>,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (key, message, signature) =
        (file("key", spki_der), file("message", message), file("signature", signature));
    let mut arguments = vec!["pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", &key];
    arguments.extend(["-in", &message, "-sigfile", &signature]);
    if let Some(digest) = digest {
        arguments.extend(["-digest", digest]);
    }
    let (agreed, said) = openssl_says(&arguments);
    agreed && said.contains("Signature Verified Successfully")
}
