//! Requests that get nothing.

use super::*;
use crate::workshop::openssl;

#[tokio::test]
async fn what_cannot_be_a_request_is_refused_by_its_status() {
    let server = Server::open().await;
    let credential = server.credential(|_| {}).await;
    let ask = |body: Vec<u8>| post("lab1/simpleenroll", body).by(&credential);
    let mut flipped = csr_of("dev1", &KeyPair::generate().unwrap()).der().to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    for body in [b"".to_vec(), b"?".to_vec(), b"AAAA".to_vec(), flipped, vec![0x30; 20_000]] {
        let answer = server.send(ask(body)).await;
        assert_eq!(answer.refusal().0, 400);
    }
    for content_type in [None, Some("text/plain"), Some("application/pkcs10x")] {
        let answer = server.send(Call { content_type, ..ask(fresh("dev1")) }).await;
        answer.is_refused(415, "application/pkcs10");
    }
    let content_type = Some("Application/PKCS10; charset=x");
    server.send(Call { content_type, ..ask(fresh("dev1")) }).await.certificate();
    for bytes in [65_537, 100_000, 3_000_000] {
        server.send(ask(vec![b'A'; bytes])).await.is_refused(413, "65536");
    }
    // Whoever is not known learns nothing of its request.
    server.send(post("lab1/simpleenroll", "AAAA")).await.is_refused(401, "show");
    server.close().await;
}

#[tokio::test]
async fn a_weak_key_or_one_of_a_strange_kind_gets_nothing() {
    let server = Server::open().await;
    let credential = server.credential(|_| {}).await;
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("request.der");
    let out = out.to_str().unwrap();
    let key = dir.path().join("key.pem");
    let key = key.to_str().unwrap();
    let explicit =
        ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"];
    for made in [
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"][..],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime192v1"],
        &explicit,
    ] {
        openssl(&[&["genpkey", "-out", key][..], made].concat());
        openssl(&["req", "-new", "-key", key, "-subj", "/CN=dev1", "-outform", "DER", "-out", out]);
        let answer =
            server.send(post("lab1/simpleenroll", std::fs::read(out).unwrap()).by(&credential)).await;
        assert_eq!(answer.refusal().0, 400, "{made:?}");
    }
    server.close().await;
}

#[tokio::test]
async fn an_authority_is_made_only_at_a_label_for_authorities() {
    let server = Server::open().await;
    let credential = server.credential(|_| {}).await;
    let key = KeyPair::generate().unwrap();
    let asked =
        || bent(&key, |params| params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0)));
    let answer = server.send(post("lab1/simpleenroll", asked()).by(&credential)).await;
    assert!([400, 403].contains(&answer.refusal().0), "{answer:?}");
    server
        .label(|label| {
            label.profile = "sub-ca".to_owned();
            label.authority = "root".to_owned();
        })
        .await;
    let made = server.send(post("lab1/simpleenroll", asked()).by(&credential)).await.certificate();
    assert!(made.is_ca());
    server.close().await;
}

#[tokio::test]
async fn another_devices_key_is_not_certified_again() {
    let server = Server::open().await;
    let (key, _) = server.device("dev1").await;
    let credential = server.credential(|_| {}).await;
    let answer = server.send(post("lab1/simpleenroll", csr("dev2", &key)).by(&credential)).await;
    answer.is_refused(403, "public key belongs to `dev1`");
    server.close().await;
}
