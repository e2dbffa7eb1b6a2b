//! Keys in sealed files.

use std::{fs, sync::Arc};

use tokio::task::JoinSet;

use super::{digest, name, open};
use crate::{
    PassphraseSource::Automatic,
    keys::{KeyKind, KeyPlace, KeyRef, SignError},
    workshop::openssl_verifies,
};

#[tokio::test]
async fn every_kind_signs_what_openssl_verifies_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let keys = open(dir.path(), Automatic).await.unwrap();
    for kind in KeyKind::ALL {
        let key = keys.generate(kind, name(kind.as_str()), KeyPlace::File).await.unwrap();
        assert_eq!(key.to_string(), format!("file:{kind}"));
    }
    let again = open(dir.path(), Automatic).await.unwrap();
    for kind in KeyKind::ALL {
        let key = KeyRef::parse(&format!("file:{kind}")).unwrap();
        let public = keys.public(&key).unwrap();
        assert_eq!((public.kind(), &public), (kind, &again.public(&key).unwrap()));
        for keys in [&keys, &again] {
            let signature = keys.sign(&key, b"to be signed").await.unwrap();
            assert_eq!(signature.algorithm_der, public.signature_algorithm_der());
            let verifies =
                |message| openssl_verifies(public.spki_der(), digest(kind), message, &signature.bytes);
            assert!(verifies(b"to be signed") && !verifies(b"to be forged"), "{kind}");
        }
    }
}

#[tokio::test]
async fn a_name_is_given_once() {
    let dir = tempfile::tempdir().unwrap();
    let keys = open(dir.path(), Automatic).await.unwrap();
    let first = keys.generate(KeyKind::P256, name("root"), KeyPlace::File).await.unwrap();
    let public = keys.public(&first).unwrap();
    for keys in [&keys, &open(dir.path(), Automatic).await.unwrap()] {
        let said = keys.generate(KeyKind::P256, name("root"), KeyPlace::File).await.unwrap_err();
        assert_eq!(said.to_string(), "private key `file:root` is there already: choose another name");
        assert_eq!(keys.public(&first).unwrap(), public);
    }
    // Whoever goes on after a crash finds it, if it is what was meant.
    assert_eq!(keys.provide(KeyKind::P256, name("root"), KeyPlace::File).await.unwrap(), first);
    let said = keys.provide(KeyKind::P384, name("root"), KeyPlace::File).await.unwrap_err().to_string();
    assert!(said.contains("of kind `p256` instead of `p384`"), "{said}");
}

#[tokio::test]
async fn a_file_that_was_changed_renamed_or_cut_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let keys = open(dir.path(), Automatic).await.unwrap();
    keys.generate(KeyKind::P256, name("one"), KeyPlace::File).await.unwrap();
    keys.generate(KeyKind::P256, name("two"), KeyPlace::File).await.unwrap();
    let path = |name: &str| dir.path().join("ca/keys").join(name);
    let whole = fs::read_to_string(path("one.key")).unwrap();
    let last = whole.trim_end().rfind(|c: char| c.is_ascii_alphanumeric()).unwrap();
    let mut flipped = whole.clone();
    flipped.replace_range(last - 8..last - 7, if &whole[last - 8..last - 7] == "A" { "B" } else { "A" });
    for (damage, said) in [
        (flipped, "it was changed"),
        (whole.replace("p256", "p384"), "it was changed"),
        (whole.replace("name: one", "name: two"), "another key's file"),
        (whole.replace("key 1", "key 2"), "not a sealed key"),
        (whole.replace('\n', "\n\n"), "not a sealed key"),
        (whole[..whole.len() / 2].to_owned(), "not a sealed key"),
        (String::new(), "not a sealed key"),
        (fs::read_to_string(path("two.key")).unwrap(), "another key's file"),
    ] {
        fs::write(path("one.key"), &damage).unwrap();
        let keys = open(dir.path(), Automatic).await.unwrap();
        let error = keys.public(&KeyRef::parse("file:one").unwrap()).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("one.key"), "{error}\n{damage}");
    }
}

#[tokio::test]
async fn a_destroyed_key_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let keys = open(dir.path(), Automatic).await.unwrap();
    let key = keys.generate(KeyKind::P256, name("responder.1"), KeyPlace::File).await.unwrap();
    keys.destroy(&key).await.unwrap();
    keys.destroy(&key).await.unwrap();
    assert_eq!(keys.sign(&key, b"x").await.unwrap_err(), SignError::Missing(key));
    assert!(!dir.path().join("ca/keys/responder.1.key").exists());
}

#[tokio::test]
async fn more_rsa_signatures_than_there_is_room_for_are_refused_and_the_rest_is_right() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Arc::new(open(dir.path(), Automatic).await.unwrap());
    let key = keys.generate(KeyKind::Rsa2048, name("rsa"), KeyPlace::File).await.unwrap();
    let mut all = JoinSet::new();
    for _ in 0..1500 {
        let (keys, key) = (keys.clone(), key.clone());
        all.spawn(async move { keys.sign(&key, b"x").await });
    }
    let (mut signed, mut busy) = (0, 0);
    for outcome in all.join_all().await {
        match outcome {
            Ok(signature) => signed += usize::from(signature.bytes.len() == 256),
            Err(error) => busy += usize::from(error == SignError::Busy),
        }
    }
    assert_eq!(signed + busy, 1500);
    assert!(signed >= 1024 && busy > 0, "{signed} signed, {busy} refused");
}

#[test]
fn references_say_where_a_key_is_and_nothing_else_is_one() {
    for text in ["file:authority.root", "pkcs11:token=Factory%20HSM%3B1;object=authority.root"] {
        assert_eq!(KeyRef::parse(text).unwrap().to_string(), text);
    }
    for text in [
        "root",
        "file:",
        "file:../root",
        "file:.hidden",
        "file:Root",
        "pkcs11:object=x",
        "pkcs11:token=x;object=",
        "pkcs11:token=%ff;object=x",
    ] {
        assert!(KeyRef::parse(text).is_err(), "{text}");
    }
}
