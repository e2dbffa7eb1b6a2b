//! Keys in a PKCS#11 token: a real SoftHSM, made anew for every test.

use std::{fs, path::Path, process::Command, sync::Arc};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11 as Module},
    object::{Attribute, AttributeType, ObjectClass},
    session::UserType,
    types::AuthPin,
};
use tokio::task::JoinSet;

use muster_store::Db;

use super::{digest, name};
use crate::{
    Ca, Caller, PinSource, Pkcs11, Settings,
    hierarchy::{AuthorityId, NewAuthority},
    keys::{KeyError, KeyKind, KeyPlace, Keys, SignError},
    workshop::{entropy, in_own_process, now, openssl, openssl_verifies},
};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const LABEL: &str = "Factory HSM; 1";
const PIN: &str = "123456";
const KINDS: [KeyKind; 5] =
    [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048, KeyKind::Rsa3072, KeyKind::Rsa4096];

/// Runs the test with a token of its own, in a process of its own: SoftHSM finds its token by the environment, and a
/// process has its module once.
fn with_token(test: &str, body: impl AsyncFnOnce(&Path)) {
    assert!(
        Path::new(MODULE).exists(),
        "{MODULE} is missing, and PKCS#11 is proved with it: apt-get install softhsm2"
    );
    let dir = tempfile::tempdir().unwrap();
    let tokens = dir.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    let conf = dir.path().join("softhsm2.conf");
    fs::write(&conf, format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display()))
        .unwrap();
    let conf = conf.to_str().unwrap();
    let in_it = in_own_process(module_path!(), test, &[("SOFTHSM2_CONF", conf)]);
    if in_it {
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", "654321"])
            .output()
            .expect("softhsm2-util on the PATH: apt-get install softhsm2");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::write(dir.path().join("pin"), format!("{PIN}\n")).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(body(dir.path()));
    }
}

fn settings(dir: &Path) -> Settings {
    let token = Pkcs11::new(MODULE.into(), LABEL.to_owned(), PinSource::File(dir.join("pin")));
    Settings { pkcs11: Some(token), ..Settings::new(dir) }
}

async fn open(settings: &Settings) -> Result<Keys, KeyError> {
    Keys::open(settings, entropy()).await
}

/// Another application on the same token.
fn other_session() -> (Module, cryptoki::slot::Slot) {
    let module = Module::new(MODULE).unwrap();
    let _ = module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
    let slots = module.get_slots_with_token().unwrap();
    let slot = slots.into_iter().find(|slot| module.get_token_info(*slot).unwrap().label() == LABEL);
    (module, slot.unwrap())
}

#[test]
fn keys_made_in_a_token_sign_what_openssl_verifies_also_after_a_restart() {
    with_token("keys_made_in_a_token_sign_what_openssl_verifies_also_after_a_restart", async |dir| {
        let keys = open(&settings(dir)).await.unwrap();
        for kind in KINDS {
            let key = keys.generate(kind, name(kind.as_str()), KeyPlace::Token).await.unwrap();
            assert_eq!(key.to_string(), format!("pkcs11:token=Factory%20HSM%3B%201;object={kind}"));
        }
        let again = open(&settings(dir)).await.unwrap();
        for kind in KINDS {
            let key = again.find(name(kind.as_str()), KeyPlace::Token).await.unwrap().unwrap();
            let public = again.public(&key).unwrap();
            assert_eq!((public.kind(), &public), (kind, &keys.public(&key).unwrap()));
            // ECDSA's integers vary in length.
            for round in 0..20_u8 {
                let signature = again.sign(&key, &[round]).await.unwrap();
                assert_eq!(signature.algorithm_der, public.signature_algorithm_der());
                let verifies = |message: &[u8]| {
                    openssl_verifies(public.spki_der(), digest(kind), message, &signature.bytes)
                };
                assert!(verifies(&[round]), "{kind}");
                assert!(!verifies(b"to be forged"), "{kind}");
            }
        }
        assert!(again.find(name("nobody"), KeyPlace::Token).await.unwrap().is_none());
        let said =
            again.generate(KeyKind::P256, name("p256"), KeyPlace::Token).await.unwrap_err().to_string();
        assert!(said.contains("is there already"), "{said}");
        let said =
            again.generate(KeyKind::Ed25519, name("new"), KeyPlace::Token).await.unwrap_err().to_string();
        assert!(said.contains("`ed25519`"), "{said}");
    });
}

#[test]
fn a_key_cannot_be_taken_out_of_its_token() {
    with_token("a_key_cannot_be_taken_out_of_its_token", async |dir| {
        let keys = open(&settings(dir)).await.unwrap();
        keys.generate(KeyKind::P256, name("root"), KeyPlace::Token).await.unwrap();
        let (module, slot) = other_session();
        let session = module.open_ro_session(slot).unwrap();
        let _ = session.login(UserType::User, Some(&AuthPin::from(PIN)));
        let [private] = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).unwrap()[..]
        else {
            panic!("one private key");
        };
        let asked = [AttributeType::Sensitive, AttributeType::Extractable, AttributeType::NeverExtractable];
        let told = session.get_attributes(private, &asked).unwrap();
        let wanted =
            [Attribute::Sensitive(true), Attribute::Extractable(false), Attribute::NeverExtractable(true)];
        assert_eq!(told, wanted);
        assert!(session.get_attributes(private, &[AttributeType::Value]).unwrap().is_empty());
        // Nor does anything of it lie in our own files.
        let files = fs::read_dir(dir.join("ca/keys")).unwrap().map(|file| file.unwrap().file_name());
        assert!(!files.into_iter().any(|file| file.to_string_lossy().ends_with(".key")));
    });
}

#[test]
fn a_session_that_was_lost_is_opened_again() {
    with_token("a_session_that_was_lost_is_opened_again", async |dir| {
        let keys = open(&settings(dir)).await.unwrap();
        let key = keys.generate(KeyKind::P256, name("root"), KeyPlace::Token).await.unwrap();
        for _ in 0..3 {
            keys.sign(&key, b"x").await.unwrap();
            // The module forgets all sessions, as it does when a network HSM comes back.
            let (module, _) = other_session();
            module.finalize().unwrap();
            let _ = other_session();
            let signature = keys.sign(&key, b"y").await.unwrap();
            let spki = keys.public(&key).unwrap().spki_der().to_vec();
            assert!(openssl_verifies(&spki, Some("sha256"), b"y", &signature.bytes));
        }
    });
}

#[test]
fn many_sign_at_once_and_each_gets_its_own_signature_or_is_told_to_come_again() {
    with_token("many_sign_at_once_and_each_gets_its_own_signature_or_is_told_to_come_again", async |dir| {
        let keys = Arc::new(open(&settings(dir)).await.unwrap());
        let key = keys.generate(KeyKind::P256, name("root"), KeyPlace::Token).await.unwrap();
        let mut all = JoinSet::new();
        for number in 0..3000_u32 {
            let (keys, key) = (keys.clone(), key.clone());
            all.spawn(async move { (number, keys.sign(&key, &number.to_be_bytes()).await) });
        }
        let public = keys.public(&key).unwrap();
        let mut signed = 0;
        for (number, outcome) in all.join_all().await {
            match outcome {
                Ok(signature) => {
                    let verifies = number % 100 != 0
                        || openssl_verifies(
                            public.spki_der(),
                            Some("sha256"),
                            &number.to_be_bytes(),
                            &signature.bytes,
                        );
                    assert!(verifies);
                    signed += 1;
                }
                Err(error) => assert_eq!(error, SignError::Busy),
            }
        }
        assert!(signed >= 1024, "{signed}");
    });
}

#[test]
fn what_is_wrong_with_a_token_is_told_with_what_to_do() {
    with_token("what_is_wrong_with_a_token_is_told_with_what_to_do", async |dir| {
        let with = |change: &dyn Fn(&mut Pkcs11)| {
            let mut settings = settings(dir);
            change(settings.pkcs11.as_mut().unwrap());
            settings
        };
        fs::write(dir.join("wrong"), "654322").unwrap();
        for (settings, said) in [
            (with(&|token| token.module = "/no/such.so".into()), "module `/no/such.so` cannot be loaded"),
            (with(&|token| token.token = "other".into()), "token `other` is not there, but `Factory HSM; 1`"),
            (with(&|token| token.pin = PinSource::File(dir.join("wrong"))), "refuses the PIN"),
            (with(&|token| token.pin = PinSource::File(dir.join("none"))), "cannot read the PIN from"),
            (with(&|token| token.pin = PinSource::Environment("NONE".into())), "environment variable `NONE`"),
        ] {
            let error = open(&settings).await.err().unwrap().to_string();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("654322"), "{error}");
        }
        let without = open(&Settings::new(dir)).await.unwrap();
        let said = without.generate(KeyKind::P256, name("x"), KeyPlace::Token).await.unwrap_err().to_string();
        assert!(said.contains("no PKCS#11 token in the settings"), "{said}");
    });
}

#[test]
fn an_authority_in_a_token_signs_one_in_a_file_and_openssl_follows_the_chain() {
    with_token("an_authority_in_a_token_signs_one_in_a_file_and_openssl_follows_the_chain", async |dir| {
        let db = Db::open_memory().await.unwrap();
        let ca = Ca::open(settings(dir), db.clone(), entropy(), now()).await.unwrap();
        let id = |text: String| AuthorityId::parse(&text).unwrap();
        let caller = Caller::process();
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa3072] {
            let (top, below) = (id(format!("top-{kind}")), id(format!("below-{kind}")));
            let root = NewAuthority { key: kind, place: KeyPlace::Token, ..NewAuthority::new(top.clone()) };
            ca.create_root(root, &caller, now()).await.unwrap();
            ca.create_intermediate(&top, NewAuthority::new(below.clone()), &caller, now()).await.unwrap();
            let chain: Vec<String> =
                ca.chain(&below).iter().map(|it| muster_x509::to_pem(it.der())).collect();
            let [below, top] = ["below", "top"].map(|name| dir.join(name));
            fs::write(&below, &chain[0]).unwrap();
            fs::write(&top, &chain[1]).unwrap();
            let (below, top) = (below.to_str().unwrap(), top.to_str().unwrap());
            let at = now().as_second().to_string();
            openssl(&["verify", "-x509_strict", "-attime", &at, "-CAfile", top, below]);
        }
        // A token may be locked away: everything else goes on, and it is missed when it is to sign.
        drop(ca);
        let ca = Ca::open(Settings::new(dir), db, entropy(), now()).await.unwrap();
        let new = |parent: &str| NewAuthority::new(id(format!("late-{parent}")));
        let below = |parent: &str| {
            let (ca, parent, new) = (ca.clone(), id(parent.to_owned()), new(parent));
            async move { ca.create_intermediate(&parent, new, &Caller::process(), now()).await }
        };
        below("root").await.unwrap();
        below("below-p256").await.unwrap_err(); // it may sign no authority
        let error = below("top-p256").await.unwrap_err().to_string();
        assert!(
            error.contains("`pkcs11:token=Factory%20HSM%3B%201;object=authority.top-p256` is not there"),
            "{error}"
        );
    });
}
