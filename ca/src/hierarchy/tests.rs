//! What is on disk after every kind of start, and what is said when it is not whole.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, LazyLock},
};

use jiff::{SignedDuration, Timestamp};
use muster_store::Db;
use muster_x509::{Certificate, describe, issued_by, read_certificates, verify};

use tokio::runtime::Runtime;

use super::OpenError;
use crate::{Ca, Entropy, Settings};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const FILES: [&str; 4] = ["root.key.pem", "root.pem", "issuing.key.pem", "issuing.pem"];

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn entropy() -> Entropy {
    Arc::new(|bytes| aws_lc_rs::rand::fill(bytes).unwrap())
}

fn open(dir: &Path) -> Result<Arc<Ca>, OpenError> {
    open_at(dir, now())
}

fn open_at(dir: &Path, at: Timestamp) -> Result<Arc<Ca>, OpenError> {
    wait(async { Ca::open(Settings::new(dir), Db::open_memory().await.unwrap(), entropy(), at).await })
}

/// Runs on a runtime that lasts as long as the tests.
fn wait<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    RUNTIME.block_on(future)
}

fn text(error: Result<Arc<Ca>, OpenError>) -> String {
    error.err().unwrap().to_string()
}

fn root_of(ca: &Ca) -> Certificate {
    read_certificates(&ca.root_pem()).unwrap().remove(0)
}

#[test]
fn the_first_start_makes_a_root_for_ten_years_and_an_issuing_authority_for_two() {
    let dir = tempfile::tempdir().unwrap();
    let ca = open(dir.path()).unwrap();
    let bundle = read_certificates(&ca.bundle_pem()).unwrap();
    let [issuing, root] = bundle.as_slice() else { panic!("{bundle:?}") };
    assert_eq!(*root, root_of(&ca));
    assert!(
        root.subject().starts_with("CN=Muster Root ") && root.subject().len() == 23,
        "{}",
        root.subject()
    );
    assert_eq!(root.not_after().duration_since(root.not_before()), DAY * 3650 - SignedDuration::from_secs(1));
    assert_eq!(
        issuing.not_after().duration_since(issuing.not_before()),
        DAY * 730 - SignedDuration::from_secs(1)
    );
    assert!(issued_by(root, root) && issued_by(issuing, root));
    assert_eq!((describe(issuing).version, issuing.serial_hex().len()), (3, 32));
    assert_ne!(root.serial_hex(), issuing.serial_hex());
}

#[test]
fn a_second_start_loads_what_the_first_made() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    let second = open(dir.path()).unwrap();
    assert_eq!(first.bundle_pem(), second.bundle_pem());
}

#[test]
fn private_keys_are_readable_by_their_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    wait(open(dir.path()).unwrap().server_certificate(&["localhost".to_owned()], now())).unwrap();
    let mut keys = vec![dir.path().join("ca/root.key.pem"), dir.path().join("ca/issuing.key.pem")];
    keys.extend(fs::read_dir(dir.path().join("ca/servers")).unwrap().map(|entry| entry.unwrap().path()));
    assert_eq!(keys.len(), 4);
    for key in keys {
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600, "{}", key.display());
    }
}

#[test]
fn a_first_start_killed_at_any_point_is_repeated_and_ends_the_same() {
    // The files appear in this order; a start that was killed leaves the first few, and perhaps one unfinished.
    for made in 0..=FILES.len() {
        let whole = tempfile::tempdir().unwrap();
        let first = open(whole.path()).unwrap();
        let killed = tempfile::tempdir().unwrap();
        fs::create_dir(killed.path().join("ca")).unwrap();
        for name in &FILES[..made] {
            fs::copy(whole.path().join("ca").join(name), killed.path().join("ca").join(name)).unwrap();
        }
        if let Some(next) = FILES.get(made) {
            fs::write(killed.path().join("ca").join(format!("{next}.unfinished")), "-----BEGIN PRI").unwrap();
        }
        let second = open(killed.path()).unwrap();
        if made >= 1 {
            // The root's key was there: clients that were told of its certificate can stay.
            assert_eq!(root_of(&first).subject(), root_of(&second).subject());
            assert_eq!(root_of(&first).spki_der(), root_of(&second).spki_der());
        }
        assert!(wait(second.server_certificate(&["localhost".to_owned()], now())).is_ok());
        let left: Vec<_> =
            fs::read_dir(killed.path().join("ca")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 6, "four files, the lock and servers/: {left:?}");
    }
}

#[test]
fn two_first_starts_at_once_make_one_root() {
    let dir = tempfile::tempdir().unwrap();
    let bundles: Vec<String> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| open(dir.path()).unwrap().bundle_pem())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(bundles.iter().all(|bundle| *bundle == bundles[0]));
}

#[test]
fn a_lost_root_certificate_is_made_again_from_its_key_and_what_it_issued_stays_valid() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    fs::remove_file(dir.path().join("ca/root.pem")).unwrap();
    let second = open(dir.path()).unwrap();
    let issuing = read_certificates(&first.bundle_pem()).unwrap().remove(0);
    assert!(issued_by(&issuing, &root_of(&second)));
    assert!(read_certificates(&second.bundle_pem()).unwrap().contains(&issuing));
}

#[test]
fn damaged_files_are_named_with_what_to_do_and_left_as_they_are() {
    for name in FILES {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).unwrap();
        let path = dir.path().join("ca").join(name);
        fs::write(&path, "rubbish").unwrap();
        let said = text(open(dir.path()));
        assert!(said.contains(name) && said.contains("is damaged") && said.contains("restore it"), "{said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "rubbish");
    }
}

#[test]
fn a_missing_key_is_never_replaced_while_its_certificate_is_there() {
    for (removed, said) in [
        (vec!["root.key.pem"], "private key"),
        (vec!["issuing.key.pem"], "private key"),
        (vec!["root.key.pem", "root.pem"], "root authority"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path()).unwrap();
        for name in &removed {
            fs::remove_file(dir.path().join("ca").join(name)).unwrap();
        }
        let error = text(open(dir.path()));
        assert!(
            error.starts_with(said) && error.contains(removed[0]) && error.contains("is missing"),
            "{error}"
        );
        assert!(!dir.path().join("ca").join(removed[0]).exists());
    }
}

#[test]
fn files_of_two_installations_are_not_mixed() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    open(one.path()).unwrap();
    open(two.path()).unwrap();
    let copy =
        |name: &str| fs::copy(two.path().join("ca").join(name), one.path().join("ca").join(name)).unwrap();
    copy("issuing.pem");
    let said = text(open(one.path()));
    assert!(said.contains("does not belong to the certificate"), "{said}");
    copy("issuing.key.pem");
    let said = text(open(one.path()));
    assert!(said.contains("signed by the root"), "{said}");
}

#[test]
fn the_issuing_authority_is_renewed_in_its_last_year_and_keeps_its_name_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    let old = read_certificates(&first.bundle_pem()).unwrap().remove(0);
    let later = now() + DAY * 366;
    let second = open_at(dir.path(), later).unwrap();
    let new = read_certificates(&second.bundle_pem()).unwrap().remove(0);
    assert!(new.not_after() > old.not_after());
    assert_eq!((new.subject(), new.spki_der()), (old.subject(), old.spki_der()));
    assert_eq!(first.root_pem(), second.root_pem());
    // And not again at the next start.
    assert_eq!(open_at(dir.path(), later).unwrap().bundle_pem(), second.bundle_pem());
}

#[test]
fn nothing_outlives_the_root() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).unwrap();
    let late = now() + DAY * 3600;
    let ca = open_at(dir.path(), late).unwrap();
    let server = wait(ca.server_certificate(&["localhost".to_owned()], late)).unwrap();
    assert_eq!(server.not_after, root_of(&ca).not_after());
    let said = text(open_at(dir.path(), now() + DAY * 3651));
    assert!(said.contains("root.pem") && said.contains("expired at 2036-11-17"), "{said}");
}

#[test]
fn a_clock_that_is_not_set_makes_no_authority() {
    let dir = tempfile::tempdir().unwrap();
    let said = text(open_at(dir.path(), Timestamp::UNIX_EPOCH));
    assert_eq!(said, "clock says 1970-01-01T00:00:00Z, which lies in the past: set it, then start again");
    assert!(!dir.path().join("ca/root.key.pem").exists());
    open(dir.path()).unwrap();
    let said = text(open_at(dir.path(), now() - DAY));
    assert!(said.contains("the clock says 2026-11-19T12:00:00Z"), "{said}");
}

#[test]
fn the_issuing_authority_may_issue_for_clients_too_but_not_authorities() {
    let dir = tempfile::tempdir().unwrap();
    let ca = open(dir.path()).unwrap();
    let bundle = read_certificates(&ca.bundle_pem()).unwrap();
    // As a leaf it is refused, as an anchor it passes every check: the leaf is what is wrong here.
    let said = verify(&bundle, &bundle[1], now()).unwrap_err().to_string();
    assert!(said.contains("is an authority itself"), "{said}");
}
