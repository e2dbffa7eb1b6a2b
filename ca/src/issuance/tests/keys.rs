//! Keys that get no certificate.

use super::*;
use crate::Holder;

fn held(holder: &str, key: &KeyPair, profile: &str) -> Request {
    let holder_name = holder;
    let holder = Some(Holder { name: holder.to_owned(), generation: "1".to_owned() });
    Request { holder, ..request(profile, csr_of("", key), facts(holder_name)) }
}

#[tokio::test]
async fn a_key_of_another_holder_is_refused_or_remarked_on_as_the_profile_has_it() {
    for_each_ca(async |ca| {
        let key = KeyPair::generate().unwrap();
        ca.issue(held("pump-1", &key, "device"), now()).await.unwrap();
        ca.issue(held("pump-1", &key, "device"), now()).await.unwrap();
        let refused = refusal(ca.issue(held("pump-2", &key, "device"), now()).await);
        assert_eq!(refused, "public key belongs to `pump-1`: make a key pair for each device");
        let entry = last_entry(&ca).await;
        assert_eq!((&*entry.decision, &*entry.reason), ("refused", &*refused));

        let text = include_str!("../../../profiles/device.toml");
        let warned = text.replace("of_another = \"refuse\"", "of_another = \"warn\"");
        ca.put_profile("device", &warned, &Caller::process(), now()).await.unwrap();
        let issued = ca.issue(held("pump-2", &key, "device"), now()).await.unwrap();
        assert_eq!(issued.remarks, ["public key is that of `pump-1`, too"]);
        let entry = last_entry(&ca).await;
        assert_eq!(&*entry.decision, "allowed");
        assert_eq!(&*entry.reason, "device@2 `CN=pump-2`; public key is that of `pump-1`, too");
    })
    .await;
}

#[tokio::test]
async fn of_two_holders_that_bring_one_key_at_once_one_gets_a_certificate() {
    for_each_ca(async |ca| {
        let key = KeyPair::generate().unwrap();
        let (one, other) = tokio::join!(
            ca.issue(held("pump-1", &key, "device"), now()),
            ca.issue(held("pump-2", &key, "device"), now())
        );
        assert!(one.is_ok() != other.is_ok());
    })
    .await;
}

#[tokio::test]
async fn the_key_of_an_authority_gets_no_certificate() {
    for_each_ca(async |ca| {
        // Its private key never leaves, so that no request can be made with it: it is one that was certified elsewhere, too.
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let (key, root) = (path("key.pem"), path("root.pem"));
        openssl(&[
            "req",
            "-x509",
            "-nodes",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-keyout",
            &key,
            "-out",
            &root,
            "-subj",
            "/CN=Elsewhere",
            "-days",
            "3650",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        ]);
        let id = AuthorityId::parse("elsewhere").unwrap();
        let pem = std::fs::read_to_string(&root).unwrap();
        let at =
            Certificate::parse(muster_x509::read_certificates(&pem).unwrap()[0].der()).unwrap().not_before();
        let at = at.max(now());
        ca.import_root(id, &pem, &Caller::process(), at).await.unwrap();
        let key = KeyPair::from_pem(&std::fs::read_to_string(&key).unwrap()).unwrap();
        assert_eq!(
            refusal(ca.issue(request("device", csr_of("", &key), facts("pump-1")), at).await),
            "public key is that of authority `elsewhere`: make a key pair of its own"
        );
    })
    .await;
}

#[tokio::test]
async fn a_blocked_key_gets_no_certificate_until_it_is_not() {
    for_each_ca(async |ca| {
        let key = KeyPair::generate().unwrap();
        let spki_sha256 = crate::log::sha256(&[csr_of("", &key).spki_der()]);
        let caller = operator("security");
        ca.block_key(spki_sha256, "published on the web", &caller, now()).await.unwrap();
        let ask = async || ca.issue(held("pump-1", &key, "device"), now()).await;
        assert_eq!(refusal(ask().await), "public key is blocked (published on the web): make a new key pair");
        ca.unblock_key(spki_sha256, &caller, now()).await.unwrap();
        ask().await.unwrap();
        assert!(ca.unblock_key(spki_sha256, &caller, now()).await.is_err());
    })
    .await;
}
