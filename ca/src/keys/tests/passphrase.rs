//! The passphrase: where it comes from, what it opens, how it is changed.

use std::{fs, path::Path};

use super::{name, open, refusal};
use crate::{
    PassphraseSource::{self, Automatic, Environment, File},
    keys::{KeyKind, KeyPlace, KeyRef, PublicKey},
    workshop::in_own_process,
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

    keys.change_passphrase(first.clone()).await.unwrap();
    assert!(!dir.path().join("ca/passphrase").exists(), "it opens nothing any more");
    assert_eq!(the_key(dir.path(), first.clone()).await, made);
    assert!(refusal(dir.path(), file(elsewhere.path(), "random", &random)).await.contains("does not open"));

    keys.change_passphrase(second.clone()).await.unwrap();
    assert!(refusal(dir.path(), first).await.contains("does not open"));
    assert_eq!(the_key(dir.path(), second.clone()).await, made);

    keys.change_passphrase(Automatic).await.unwrap();
    assert!(refusal(dir.path(), second).await.contains("does not open"));
    assert_eq!(the_key(dir.path(), Automatic).await, made);
    assert_ne!(fs::read_to_string(dir.path().join("ca/passphrase")).unwrap(), random);

    let said =
        keys.change_passphrase(file(elsewhere.path(), "short", "short")).await.unwrap_err().to_string();
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
    open(dir.path(), Automatic).await.unwrap().change_passphrase(Automatic).await.unwrap();
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
        fs::remove_file(&credential).unwrap();
        let keys = open(dir.path(), Automatic).await.unwrap();
        fs::write(&credential, "correct horse battery\n").unwrap();
        keys.change_passphrase(Automatic).await.unwrap();
        assert!(!dir.path().join("ca/passphrase").exists());
        assert_eq!(the_key(dir.path(), Automatic).await, made);
        fs::remove_file(&credential).unwrap();
        assert!(refusal(dir.path(), Automatic).await.contains("is missing"));
    });
}
