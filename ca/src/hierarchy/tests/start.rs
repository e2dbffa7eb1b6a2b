//! What is there after every kind of start, and what is said when it is not whole.

use std::{fs, os::unix::fs::PermissionsExt};

use jiff::{SignedDuration, Timestamp};

use muster_store::Statement;
use muster_x509::{describe, issued_by, to_pem, verify};

use super::{Running, for_each_site, id_of};
use crate::{
    State,
    workshop::{DAY, now},
};

const KEYS: [&str; 2] = ["authority.root.key", "authority.issuing.key"];

async fn forget(running: &Running, id: &str) {
    let forget = Statement::new("DELETE FROM ca_authority WHERE id = $1", [id.into()]);
    running.db.write(vec![forget]).await.unwrap();
}

#[tokio::test]
async fn the_first_start_makes_a_root_for_ten_years_and_an_issuing_authority_for_two() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let (root, issuing) = (running.certificate("root"), running.certificate("issuing"));
        assert_eq!(running.ca.chain(&id_of("issuing")), [issuing.clone(), root.clone()]);
        assert_eq!(running.ca.bundle_pem(), to_pem(issuing.der()) + &running.ca.root_pem());
        let subject = root.subject();
        assert!(subject.starts_with("CN=Muster Root ") && subject.len() == 23, "{subject}");
        let second = SignedDuration::from_secs(1);
        assert_eq!(root.not_after().duration_since(root.not_before()), DAY * 3650 - second);
        assert_eq!(issuing.not_after().duration_since(issuing.not_before()), DAY * 730 - second);
        assert!(issued_by(&root, &root) && issued_by(&issuing, &root));
        assert_eq!((describe(&issuing).version, issuing.serial_hex().len()), (3, 32));
        assert_ne!(root.serial_hex(), issuing.serial_hex());
        assert_eq!(running.authority("issuing").state, State::Active);
        running.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_second_start_finds_what_the_first_made() {
    for_each_site(async |site| {
        let first = site.open(now()).await;
        let (tree, bundle) = (first.ca.tree(), first.ca.bundle_pem());
        first.close().await;
        let second = site.open(now() + DAY).await;
        assert_eq!(second.ca.bundle_pem(), bundle);
        assert!(tree.iter().eq(second.ca.tree().iter()));
        second.close().await;
    })
    .await;
}

#[tokio::test]
async fn keys_and_passphrase_are_readable_by_their_owner_only_and_hold_nothing_in_the_clear() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        running.ca.server_certificate(&["localhost".to_owned()], now()).await.unwrap();
        running.close().await;
        let mut files = vec![site.path("ca/passphrase"), site.path("ca/keys/seal")];
        files.extend(KEYS.map(|key| site.path("ca/keys").join(key)));
        files.extend(fs::read_dir(site.path("ca/servers")).unwrap().map(|entry| entry.unwrap().path()));
        assert_eq!(files.len(), 6, "{files:?}");
        for file in files {
            assert_eq!(
                fs::metadata(&file).unwrap().permissions().mode() & 0o777,
                0o600,
                "{}",
                file.display()
            );
            assert!(!fs::read_to_string(&file).unwrap().contains("PRIVATE KEY"));
        }
    })
    .await;
}

#[tokio::test]
async fn a_first_start_killed_at_any_point_is_repeated_with_the_keys_it_finds() {
    for_each_site(async |site| {
        let first = site.open(now()).await;
        let root = first.certificate("root");
        // The issuing authority was not recorded yet; its key was there, or was not.
        for key_was_there in [true, false] {
            let running = if key_was_there { None } else { Some(site.open(now()).await) };
            forget(running.as_ref().unwrap_or(&first), "issuing").await;
            if !key_was_there {
                fs::remove_file(site.path("ca/keys/authority.issuing.key")).unwrap();
            }
            let again = site.open(now()).await;
            assert_eq!(again.certificate("root"), root);
            assert!(issued_by(&again.certificate("issuing"), &root));
            again.close().await;
        }
        // Nothing was recorded yet, but the root's key was made: clients that were told of it can stay.
        forget(&first, "issuing").await;
        forget(&first, "root").await;
        fs::write(site.path("ca/keys/authority.issuing.key.unfinished"), "muster sealed").unwrap();
        let again = site.open(now()).await;
        let made = again.certificate("root");
        assert_eq!((made.subject(), made.spki_der()), (root.subject(), root.spki_der()));
        assert!(!site.path("ca/keys/authority.issuing.key.unfinished").exists());
        again.close().await;
        first.close().await;
    })
    .await;
}

#[tokio::test]
async fn two_first_starts_at_once_make_one_root() {
    for_each_site(async |site| {
        site.place.open().await.close().await; // its schema is not what this is about
        let (one, other) = tokio::join!(site.open(now()), site.open(now()));
        assert_eq!(one.ca.bundle_pem(), other.ca.bundle_pem());
        one.close().await;
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn damaged_keys_are_named_with_what_to_do_and_left_as_they_are() {
    for_each_site(async |site| {
        site.open(now()).await.close().await;
        for name in KEYS.into_iter().chain(["seal"]) {
            let path = site.path("ca/keys").join(name);
            let whole = fs::read(&path).unwrap();
            for damage in
                ["rubbish".to_owned(), String::from_utf8(whole.clone()).unwrap().replace(": ", ":  ")]
            {
                fs::write(&path, &damage).unwrap();
                let said = site.refusal(now()).await;
                assert!(said.contains(name) && said.contains("restore"), "{said}");
                assert_eq!(fs::read_to_string(&path).unwrap(), damage);
            }
            fs::write(&path, &whole).unwrap();
        }
        site.open(now()).await.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_missing_key_is_never_replaced_while_its_certificate_is_there() {
    for_each_site(async |site| {
        site.open(now()).await.close().await;
        for name in KEYS {
            let path = site.path("ca/keys").join(name);
            let whole = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            let said = site.refusal(now()).await;
            assert!(said.contains(name.trim_end_matches(".key")) && said.contains("is not there"), "{said}");
            assert!(!path.exists());
            fs::write(&path, whole).unwrap();
        }
        // Without the seal, what it sealed is never given up for another one.
        fs::remove_file(site.path("ca/keys/seal")).unwrap();
        let said = site.refusal(now()).await;
        assert!(said.contains("seal` is missing") && said.contains("authority."), "{said}");
    })
    .await;
}

#[tokio::test]
async fn keys_of_two_installations_are_not_mixed() {
    for_each_site(async |site| {
        site.open(now()).await.close().await;
        let other = tempfile::tempdir().unwrap();
        let db = muster_store::Db::open_memory().await.unwrap();
        crate::workshop::open(other.path(), &db, now()).await.unwrap();
        // A key that was sealed elsewhere does not open; a whole folder opens, and does not fit the records.
        let name = "ca/keys/authority.issuing.key";
        let own = fs::read(site.path(name)).unwrap();
        fs::copy(other.path().join(name), site.path(name)).unwrap();
        let said = site.refusal(now()).await;
        assert!(said.contains("sealed by another installation"), "{said}");
        fs::write(site.path(name), own).unwrap();
        for name in ["passphrase", "keys/seal", "keys/authority.root.key", "keys/authority.issuing.key"] {
            fs::copy(other.path().join("ca").join(name), site.path("ca").join(name)).unwrap();
        }
        let said = site.refusal(now()).await;
        assert!(said.contains("does not belong to the certificate"), "{said}");
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_is_not_set_makes_no_authority() {
    for_each_site(async |site| {
        let said = site.refusal(Timestamp::UNIX_EPOCH).await;
        assert_eq!(said, "clock says 1970-01-01T00:00:00Z, which lies in the past: set it, then start again");
        assert!(!site.path("ca/keys/authority.root.key").exists());
        site.open(now()).await.close().await;
        let said = site.refusal(now() - DAY).await;
        assert!(said.contains("the clock says 2026-11-19T12:00:00Z"), "{said}");
    })
    .await;
}

#[tokio::test]
async fn nothing_outlives_the_root() {
    for_each_site(async |site| {
        site.open(now()).await.close().await;
        let late = now() + DAY * 3600;
        let running = site.open(late).await;
        let server = running.ca.server_certificate(&["localhost".to_owned()], late).await.unwrap();
        assert_eq!(server.not_after, running.certificate("root").not_after());
        running.close().await;
        let said = site.refusal(now() + DAY * 3651).await;
        assert!(said.contains("root `root` expired at 2036-11-17"), "{said}");
    })
    .await;
}

#[tokio::test]
async fn an_authority_is_no_client_itself() {
    for_each_site(async |site| {
        let running = site.open(now()).await;
        let chain = running.ca.chain(&id_of("issuing"));
        // As a leaf it is refused, as an anchor it passes every check: the leaf is what is wrong here.
        let said = verify(&chain, &chain[1], now()).unwrap_err().to_string();
        assert!(said.contains("is an authority itself"), "{said}");
        running.close().await;
    })
    .await;
}
