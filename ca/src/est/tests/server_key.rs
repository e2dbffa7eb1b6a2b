//! Private keys made here.

use super::*;
use muster_test_engines::for_each_engine;

/// The two parts of an answer: PKCS #8 and the certificate.
fn parts(answer: &Answer) -> (Vec<u8>, Certificate) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let boundary = answer.header("content-type").strip_prefix("multipart/mixed; boundary=").unwrap();
    let body = answer.body.strip_suffix(&format!("--{boundary}--\r\n")).unwrap();
    let parts: Vec<_> = body.split(&format!("--{boundary}\r\n")).collect();
    let [before, key, certificate] = parts[..] else { panic!("{} parts", parts.len()) };
    assert_eq!(before, "");
    let content = |part: &str, kind: &str| {
        let header = format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        part.strip_prefix(&header).unwrap().trim_end().to_owned()
    };
    let key = BASE64_STANDARD.decode(content(key, "application/pkcs8").replace('\n', "")).unwrap();
    let bag = content(certificate, "application/pkcs7-mime; smime-type=certs-only");
    let mut bag = read_certs_only(bag.as_bytes()).unwrap();
    assert_eq!(bag.len(), 1);
    (key, bag.remove(0))
}

fn spki_of(pkcs8: &[u8]) -> Vec<u8> {
    use rcgen::PublicKeyData;
    KeyPair::try_from(pkcs8).unwrap().subject_public_key_info()
}

async fn on(server: &Server) -> FreshCredential {
    server.label(|label| label.server_keygen = true).await;
    server.credential(|_| {}).await
}

#[tokio::test]
async fn a_key_comes_with_its_certificate_and_another_one_each_time() {
    for_each_engine(async |db| {
        let dir = tempfile::tempdir().unwrap();
        let ca = open(dir.path(), &db).await;
        let server = Server { ca, db, dir, at: now() };
        let credential = on(&server).await;
        let sent = KeyPair::generate().unwrap();
        let request = csr("dev1", &sent);
        let mut seen = Vec::new();
        for _ in 0..2 {
            let call = post("lab1/serverkeygen", request.clone()).by(&credential);
            let (key, certificate) = parts(&server.send(call).await);
            assert_eq!((certificate.common_name(), certificate.spki_der()), (Some("dev1"), &*spki_of(&key)));
            let csr = csr_of("dev1", &sent);
            assert_ne!(certificate.spki_der(), csr.spki_der());
            let entry = server.entries().await.remove(0);
            assert_eq!((&*entry.action, &*entry.decision), ("certificate.issue", "allowed"));
            assert!(entry.reason.contains("its private key was made here"), "{}", entry.reason);
            seen.push((key, certificate.serial_hex().to_owned()));
        }
        assert!(seen[0].0 != seen[1].0 && seen[0].1 != seen[1].1);
        // It is as good as one that the device made: it renews, with a key made here or by itself.
        let (_, old) = parts(&server.send(post("lab1/serverkeygen", request.clone()).by(&credential)).await);
        let (_, new) = parts(&server.send(post("lab1/serverkeygen", request.clone()).with(&old)).await);
        assert_eq!(new.subject_der(), old.subject_der());
        server.send(post("lab1/simplereenroll", request).with(&new)).await.certificate();
        server.ca.close(server.at).await;
    })
    .await;
}

#[tokio::test]
async fn it_is_not_there_unless_the_label_says_so() {
    let server = Server::open().await;
    let credential = server.credential(|_| {}).await;
    let ask = || post("lab1/serverkeygen", fresh("dev1"));
    server.send(ask().by(&credential)).await.is_refused(404, "");
    server.label(|label| label.server_keygen = true).await;
    server.send(ask()).await.is_refused(401, "show");
    server.get("lab1/serverkeygen").await.is_refused(405, "POST");
    parts(&server.send(ask().by(&credential)).await);
    let server = server.again().await;
    assert!(server.ca.est_label("lab1").unwrap().server_keygen);
    parts(&server.send(ask().by(&credential)).await);
    server.label(|label| label.server_keygen = false).await;
    server.send(ask().by(&credential)).await.is_refused(404, "");
    server.close().await;
}

#[tokio::test]
async fn the_key_is_of_the_kind_that_was_sent_where_the_profile_has_it() {
    let server = Server::open().await;
    let credential = on(&server).await;
    for (sent, made) in [
        (&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P256_SHA256),
        (&rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ECDSA_P384_SHA384),
        (&rcgen::PKCS_ECDSA_P521_SHA512, &rcgen::PKCS_ECDSA_P256_SHA256),
    ] {
        let body = csr("dev1", &KeyPair::generate_for(sent).unwrap());
        let answer = server.send(post("lab1/serverkeygen", body).by(&credential)).await;
        let (key, _) = parts(&answer);
        assert_eq!(KeyPair::try_from(&*key).unwrap().algorithm(), made);
    }
    server.close().await;
}

#[tokio::test]
async fn names_and_extensions_are_judged_as_in_any_request() {
    let server = Server::open().await;
    server.label(|label| label.server_keygen = true).await;
    let credential = server.credential(|new| new.names = vec!["pump-*".to_owned()]).await;
    let ask = |body| server.send(post("lab1/serverkeygen", body).by(&credential));
    let answer = ask(fresh("dev1")).await;
    assert_eq!(answer.refusal().0, 403);
    let authority = bent(&KeyPair::generate().unwrap(), |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let plain = server.send(post("lab1/simpleenroll", authority.clone()).by(&credential)).await;
    assert_eq!(ask(authority).await.refusal(), plain.refusal());
    let mut flipped = csr_of("pump-1", &KeyPair::generate().unwrap()).der().to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(ask(flipped).await.refusal().0, 400);
    server.close().await;
}

#[tokio::test]
async fn a_key_that_should_be_encrypted_is_not_sent_in_the_clear() {
    let server = Server::open().await;
    let credential = on(&server).await;
    for oid in [&[1, 2, 840, 113_549, 1, 9, 16, 2, 37][..], &[1, 2, 840, 113_549, 1, 9, 16, 2, 54]] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "dev1");
        let attribute =
            rcgen::Attribute { oid: Box::leak(oid.into()), values: b"\x31\x04\x04\x02\x01\x02".to_vec() };
        let request = params.serialize_request_with_attributes(&key, vec![attribute]).unwrap();
        let body = BASE64_STANDARD.encode(request.der());
        server
            .send(post("lab1/serverkeygen", body.clone()).by(&credential))
            .await
            .is_refused(400, "DecryptKeyIdentifier");
        let refused = |entry: &Chained| entry.decision == "refused" && entry.reason.contains("encrypted");
        assert!(server.entries().await.iter().any(refused));
        server.send(post("lab1/simpleenroll", body).by(&credential)).await.certificate();
    }
    server.close().await;
}

#[tokio::test]
async fn a_token_is_burned_by_the_answer_even_if_it_was_lost() {
    let server = Server::open().await;
    on(&server).await;
    let token = server.credential(|new| new.kind = CredentialKind::OneTime).await;
    let request = fresh("dev1");
    let ask = |operation: &str| post(&format!("lab1/{operation}"), request.clone()).bearer(&token.password);
    parts(&server.send(ask("serverkeygen")).await);
    server.send(ask("serverkeygen")).await.is_refused(403, "token was used");
    server.send(ask("simpleenroll")).await.is_refused(403, "token was used");
    server.close().await;
}

#[tokio::test]
async fn an_approval_is_good_for_one_key_and_for_nothing_else() {
    let server = Server::open().await;
    server
        .label(|label| {
            label.server_keygen = true;
            label.approval = Approval::Manual;
        })
        .await;
    let credential = server.credential(|_| {}).await;
    let request = csr("dev1", &KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap());
    let ask = |operation: &str| post(&format!("lab1/{operation}"), request.clone()).by(&credential);
    server.send(ask("serverkeygen")).await.is_refused(202, "waiting");
    let waiting = server.ca.est_requests(10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    let caller = Caller::process();
    server.ca.decide_est_request(&waiting[0].id, Verdict::Approved, &caller, now()).await.unwrap();
    parts(&server.send(ask("serverkeygen")).await);
    server.send(ask("serverkeygen")).await.is_refused(403, "not kept");
    assert_ne!(server.send(ask("simpleenroll")).await.status, 200);
    server.close().await;
}
