//! The passphrase: where it comes from, what it opens, how it is changed.

use std::{fs, path::Path};

use muster_store::Db;
use muster_test_engines::for_each_engine;
use zeroize::Zeroizing;

use super::{name, open, refusal};
use crate::{
    Action, Caller, Decision,
    PassphraseSource::{self, Automatic, Environment, File},
    keys::{
        KeyKind, KeyPlace, KeyRef, PassphraseChange, PassphraseChangeError,
        PassphraseGiven::{self, At, Typed},
        PublicKey, passphrase_opens,
    },
    verify_entries,
    workshop::{self, entropy, in_own_process, now},
};

/// Makes a key under this passphrase.
async fn with_key(dir: &Path, source: PassphraseSource) -> PublicKey {
    let keys = open(dir, source).await.unwrap();
    let key = keys.generate(KeyKind::P256, name("root"), KeyPlace::File).await.unwrap();
    keys.public(&key).unwrap()
}

async fn the_key(dir: &Path, source: PassphraseSource) -> PublicKey {
    open(dir, source).await.unwrap().public(&KeyRef::parse("file:root").unwrap()).unwrap()
}

async fn change(
    dir: &Path,
    old: PassphraseSource,
    new: PassphraseSource,
) -> Result<(), PassphraseChangeError> {
    let db = Db::open_memory().await.unwrap();
    changed(dir, &db, At(old), At(new)).await
}

async fn changed(
    dir: &Path,
    db: &Db,
    old: PassphraseGiven,
    new: PassphraseGiven,
) -> Result<(), PassphraseChangeError> {
    let change = PassphraseChange { dir: dir.to_owned(), old, new };
    change.carry_out(db, entropy(), &Caller::process(), now()).await
}

fn file(dir: &Path, name: &str, text: &str) -> PassphraseSource {
    fs::write(dir.join(name), text).unwrap();
    File(dir.join(name))
}

#[test]
fn a_file_an_environment_variable_or_a_random_one_seals_the_keys() {
    const VARIABLE: &str = "MUSTER_TEST_PASSPHRASE";
    let test = "a_file_an_environment_variable_or_a_random_one_seals_the_keys";
    if !in_own_process(module_path!(), test, &[(VARIABLE, "correct horse battery")]) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let elsewhere = tempfile::tempdir().unwrap();
        let file = file(elsewhere.path(), "one", "correct horse battery\n");
        for source in [file, Environment(VARIABLE.to_owned()), Automatic] {
            let dir = tempfile::tempdir().unwrap();
            let made = with_key(dir.path(), source.clone()).await;
            assert_eq!(the_key(dir.path(), source.clone()).await, made);
            assert_eq!(dir.path().join("ca/passphrase").exists(), source == Automatic);
        }
    });
}

#[tokio::test]
async fn line_breaks_at_the_end_of_the_file_do_not_count() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let made = with_key(dir.path(), file(elsewhere.path(), "one", "correct horse battery")).await;
    for text in ["correct horse battery\n", "correct horse battery\r\n"] {
        assert_eq!(the_key(dir.path(), file(elsewhere.path(), "two", text)).await, made);
    }
}

#[tokio::test]
async fn a_wrong_passphrase_is_told_as_one_and_changes_nothing() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let right = file(elsewhere.path(), "right", "correct horse battery");
    let made = with_key(dir.path(), right.clone()).await;
    let said = refusal(dir.path(), file(elsewhere.path(), "wrong", "incorrect horse battery")).await;
    assert!(said.starts_with("passphrase does not open") && said.contains("ca/keys/seal"), "{said}");
    assert!(!said.contains("horse"), "{said}");
    let said = refusal(dir.path(), Automatic).await;
    assert!(said.starts_with("passphrase of the keys is missing"), "{said}");
    assert_eq!(the_key(dir.path(), right).await, made);
}

#[tokio::test]
async fn a_passphrase_that_is_none_is_refused_with_the_reason() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (source, said) in [
        (file(elsewhere.path(), "empty", "\n"), "is empty"),
        (file(elsewhere.path(), "short", "elevenchars\n"), "of 11 characters is too short"),
        (file(elsewhere.path(), "long", &"x".repeat(1025)), "not one line of text of at most 1024 bytes"),
        (file(elsewhere.path(), "lines", "two\nlines of text"), "not one line of text"),
        (File(elsewhere.path().join("none")), "cannot read the passphrase from"),
        (Environment("MUSTER_TEST_NO_SUCH_VARIABLE".to_owned()), "is not set"),
    ] {
        let error = refusal(dir.path(), source).await;
        assert!(error.contains(said), "{error}");
        assert!(!dir.path().join("ca/keys/seal").exists());
    }
    fs::write(elsewhere.path().join("bytes"), [0xff; 20]).unwrap();
    let error = refusal(dir.path(), File(elsewhere.path().join("bytes"))).await;
    assert!(error.contains("not one line of text"), "{error}");
}

#[tokio::test]
async fn another_passphrase_seals_the_same_keys_and_the_old_one_opens_nothing() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let made = with_key(dir.path(), Automatic).await;
    let first = file(elsewhere.path(), "first", "correct horse battery");
    let second = file(elsewhere.path(), "second", "staple and another horse");
    let keys = open(dir.path(), Automatic).await.unwrap();
    let random = fs::read_to_string(dir.path().join("ca/passphrase")).unwrap();

    change(dir.path(), Automatic, first.clone()).await.unwrap();
    assert!(!dir.path().join("ca/passphrase").exists(), "it opens nothing any more");
    assert_eq!(the_key(dir.path(), first.clone()).await, made);
    assert!(refusal(dir.path(), file(elsewhere.path(), "random", &random)).await.contains("does not open"));

    change(dir.path(), first.clone(), second.clone()).await.unwrap();
    assert!(refusal(dir.path(), first).await.contains("does not open"));
    assert_eq!(the_key(dir.path(), second.clone()).await, made);

    change(dir.path(), second.clone(), Automatic).await.unwrap();
    assert!(refusal(dir.path(), second).await.contains("does not open"));
    assert_eq!(the_key(dir.path(), Automatic).await, made);
    assert_ne!(fs::read_to_string(dir.path().join("ca/passphrase")).unwrap(), random);

    let short = file(elsewhere.path(), "short", "short");
    let said = change(dir.path(), Automatic, short).await.unwrap_err().to_string();
    assert!(said.contains("too short"), "{said}");
    // A handle that was open all the while goes on.
    keys.sign(&KeyRef::parse("file:root").unwrap(), b"x").await.unwrap();
}

#[tokio::test]
async fn a_change_of_the_passphrase_killed_at_any_point_leaves_one_that_opens() {
    let dir = tempfile::tempdir().unwrap();
    let made = with_key(dir.path(), Automatic).await;
    let path = |name: &str| dir.path().join("ca").join(name);
    let before = ["passphrase", "keys/seal"].map(|name| fs::read(path(name)).unwrap());
    change(dir.path(), Automatic, Automatic).await.unwrap();
    let after = ["passphrase", "keys/seal"].map(|name| fs::read(path(name)).unwrap());
    for (seal, passphrase) in [(&before[1], &before[0]), (&after[1], &after[0])] {
        fs::write(path("passphrase"), &before[0]).unwrap();
        fs::write(path("passphrase.next"), &after[0]).unwrap();
        fs::write(path("keys/seal"), seal).unwrap();
        assert_eq!(the_key(dir.path(), Automatic).await, made);
        assert_eq!(&fs::read(path("passphrase")).unwrap(), passphrase);
        assert!(!path("passphrase.next").exists());
    }
}

#[test]
fn the_credential_that_systemd_gives_goes_before_the_random_one() {
    let credentials = tempfile::tempdir().unwrap();
    let path = credentials.path().to_str().unwrap();
    let test = "the_credential_that_systemd_gives_goes_before_the_random_one";
    if !in_own_process(module_path!(), test, &[("CREDENTIALS_DIRECTORY", path)]) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let given = std::env::var("CREDENTIALS_DIRECTORY").unwrap();
        let credential = Path::new(&given).join("muster-ca-passphrase");
        let dir = tempfile::tempdir().unwrap();
        // None given: a random one.
        let made = with_key(dir.path(), Automatic).await;
        fs::write(&credential, "correct horse battery\n").unwrap();
        assert!(refusal(dir.path(), Automatic).await.contains("does not open"));
        let kept = File(dir.path().join("ca/passphrase"));
        change(dir.path(), kept, Automatic).await.unwrap();
        assert!(!dir.path().join("ca/passphrase").exists());
        assert_eq!(the_key(dir.path(), Automatic).await, made);
        fs::remove_file(&credential).unwrap();
        assert!(refusal(dir.path(), Automatic).await.contains("is missing"));
    });
}

#[tokio::test]
async fn a_passphrase_that_was_typed_seals_the_keys_and_a_start_is_told_apart_that_finds_it() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let made = with_key(dir.path(), Automatic).await;
    let db = Db::open_memory().await.unwrap();
    let typed = || Typed(Zeroizing::new("correct horse battery".to_owned()));
    changed(dir.path(), &db, At(Automatic), typed()).await.unwrap();
    assert!(!passphrase_opens(dir.path(), &Automatic).unwrap());
    let kept = file(elsewhere.path(), "kept", "correct horse battery\n");
    assert!(passphrase_opens(dir.path(), &kept).unwrap());
    assert_eq!(the_key(dir.path(), kept).await, made);

    changed(dir.path(), &db, typed(), At(Automatic)).await.unwrap();
    assert!(passphrase_opens(dir.path(), &Automatic).unwrap());
    assert_eq!(format!("{:?}", typed()), "PassphraseGiven(typed)");
}

#[tokio::test]
async fn a_new_passphrase_that_was_put_beside_the_keys_is_not_taken_for_the_old_one() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let made = with_key(dir.path(), Automatic).await;
    let path = dir.path().join("ca/passphrase");
    let old = file(elsewhere.path(), "old", &fs::read_to_string(&path).unwrap());
    fs::write(&path, "correct horse battery\n").unwrap();
    change(dir.path(), old, File(path.clone())).await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "correct horse battery\n");
    assert_eq!(the_key(dir.path(), Automatic).await, made);
}

#[tokio::test]
async fn nothing_is_made_where_nothing_was_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let said = change(dir.path(), Automatic, Automatic).await.unwrap_err().to_string();
    assert!(said.contains("nothing was sealed here yet"), "{said}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_change_beside_an_authority_that_is_open_is_in_its_audit_log_and_it_goes_on() {
    for_each_engine(async |db| {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ca = workshop::open(dir.path(), &db, now()).await.unwrap();
        let wrong = file(elsewhere.path(), "wrong", "incorrect horse battery");
        let new = file(elsewhere.path(), "new", "correct horse battery");
        changed(dir.path(), &db, At(wrong), At(new.clone())).await.unwrap_err();
        changed(dir.path(), &db, At(Automatic), At(new.clone())).await.unwrap();
        // Its sequencer hears that others have written.
        ca.audit(crate::Entry::new(&Caller::process(), Action::SignIn, "after", Decision::Allowed), now())
            .await
            .unwrap();
        let entries = ca.audit_page(1, 1000).await.unwrap();
        verify_entries(&entries).unwrap();
        let said: Vec<_> = entries
            .iter()
            .filter(|entry| entry.action == "passphrase.change")
            .map(|entry| (entry.decision.as_str(), entry.reason.as_str()))
            .collect();
        let place = format!("from now on: file `{}`", elsewhere.path().join("new").display());
        assert_eq!(said.len(), 2);
        assert!(said[0].0 == "refused" && said[0].1.starts_with("passphrase does not open"), "{said:?}");
        assert_eq!(said[1], ("allowed", place.as_str()));
        assert!(said.iter().all(|(_, why)| !why.contains("horse")), "{said:?}");
        ca.close(now()).await;
    })
    .await;
}
