//! By the certificate that is there.

use super::*;
use crate::{AuthorityId, Reason, Retirement, What, workshop::DAY};

#[tokio::test]
async fn who_shows_its_certificate_renews_it_by_either_operation() {
    let server = Server::open().await;
    let (key, old) = server.device("dev1").await;
    for operation in ["lab1/simplereenroll", "lab1/simpleenroll"] {
        for key in [&key, &KeyPair::generate().unwrap()] {
            let new = server.send(post(operation, csr("dev1", key)).with(&old)).await.certificate();
            assert_eq!((new.subject_der(), new == old), (old.subject_der(), false), "{operation}");
            let found = server.ca.identify(&[new.der().to_vec()], now()).unwrap();
            assert_eq!(found.holder, Some(server.ca.holder("dev1")));
        }
        let other = server.send(post(operation, fresh("dev2")).with(&old)).await;
        other.is_refused(403, "subject `CN=dev2` is not that of the certificate");
        let named = bent(&key, |params| {
            params.subject_alt_names = vec![rcgen::SanType::DnsName("dev1.example".try_into().unwrap())];
        });
        server
            .send(post(operation, named).with(&old))
            .await
            .is_refused(403, "alternative names are not those of the certificate, which has none");
    }
    server.close().await;
}

#[tokio::test]
async fn re_enrollment_without_the_certificate_fails_whatever_the_password() {
    let server = Server::open().await;
    let credential = server.credential(|_| {}).await;
    let answer = server.send(post("lab1/simplereenroll", fresh("dev1")).by(&credential)).await;
    answer.is_refused(401, "client certificate");
    let key = KeyPair::generate().unwrap();
    let alone = CertificateParams::default().self_signed(&key).unwrap();
    let stranger = Certificate::parse(alone.der()).unwrap();
    let answer =
        server.send(post("lab1/simplereenroll", fresh("dev1")).with(&stranger).by(&credential)).await;
    answer.is_refused(403, "not issued here");
    // For a first certificate, a stranger's is as good as none.
    server.send(post("lab1/simpleenroll", fresh("dev1")).with(&stranger)).await.is_refused(401, "show");
    server.send(post("lab1/simpleenroll", fresh("dev1")).with(&stranger).by(&credential)).await.certificate();
    server.close().await;
}

#[tokio::test]
async fn what_is_revoked_renews_nothing() {
    let server = Server::open().await;
    let (key, by_serial) = server.device("dev1").await;
    let serial = <[u8; 16]>::try_from(by_serial.serial()).unwrap();
    let (other_key, by_holder) = server.device("dev2").await;
    for what in [What::Serial { authority: AuthorityId::issuing(), serial }, What::Holder("dev2".to_owned())]
    {
        server.ca.revoke(what, Reason::KeyCompromise, &Caller::process(), now()).await.unwrap();
    }
    for (name, key, old) in [("dev1", &key, &by_serial), ("dev2", &other_key, &by_holder)] {
        for operation in ["lab1/simplereenroll", "lab1/simpleenroll"] {
            let answer = server.send(post(operation, csr(name, key)).with(old)).await;
            answer.is_refused(403, "was revoked at 2026-11-20T12:00:00Z (keyCompromise)");
        }
    }
    let entries = server.entries().await;
    assert_eq!((&*entries[0].action, &*entries[0].decision), ("certificate.issue", "refused"));
    // Barred: not with a password either.
    let credential = server.credential(|_| {}).await;
    server.send(post("lab1/simpleenroll", fresh("dev2")).by(&credential)).await.is_refused(403, "barred");
    server.close().await;
}

#[tokio::test]
async fn what_expired_is_renewed_within_the_grace_of_its_profile_for_the_same_key_only() {
    let server = Server::open().await;
    let (key, old) = server.device("dev1").await;
    let server = Server { at: old.not_after() + DAY, ..server };
    let again = || post("lab1/simplereenroll", csr("dev1", &key)).with(&old);
    server.send(again()).await.is_refused(403, "expired at");
    let lenient = include_str!("../../../profiles/device.toml").replace("grace = \"0d\"", "grace = \"7d\"");
    server.ca.put_profile("device", &lenient, &Caller::process(), server.at).await.unwrap();
    server.send(again()).await.certificate();
    let other = server.send(post("lab1/simplereenroll", fresh("dev1")).with(&old)).await;
    other.is_refused(403, "same key only");
    server.close().await;
}

#[tokio::test]
async fn a_certificate_is_renewed_at_the_label_it_is_from_or_where_its_authority_gave_way() {
    let server = Server::open().await;
    let (key, old) = server.device("dev1").await;
    let caller = Caller::process();
    let second = AuthorityId::parse("issuing2").unwrap();
    let new = crate::NewAuthority::new(second.clone());
    server.ca.create_intermediate(&AuthorityId::root(), new, &caller, now()).await.unwrap();
    let ask = || post("lab1/simplereenroll", csr("dev1", &key)).with(&old);

    server.label(|label| label.profile = "edge-server".to_owned()).await;
    server.send(ask()).await.is_refused(403, "profile `device`");
    server.label(|label| label.authority = second.to_string()).await;
    server.send(ask()).await.is_refused(403, "authority `issuing`");
    server.ca.retire_authority(&AuthorityId::issuing(), Retirement::Retire, &caller, now()).await.unwrap();
    let renewed = server.send(ask()).await.certificate();
    let found = server.ca.identify(&[renewed.der().to_vec()], now()).unwrap();
    assert_eq!(found.authority, second);
    server.close().await;
}
