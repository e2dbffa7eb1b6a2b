//! What is kept, on every engine; what is said is in the tests of `public`.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use muster_store::Db;
use muster_test_engines::{Place, for_each_place};

use super::*;
use crate::{
    AuthorityId, BaseUrl, Ca, Caller, Reason, Settings, What,
    issuance::tests::device,
    tlv,
    workshop::{DAY, entropy, now},
};

async fn open(dir: &std::path::Path, place: &Place, at: Timestamp) -> (Arc<Ca>, Db) {
    let db = place.open().await;
    let mut settings = Settings::new(dir);
    settings.base_url = Some(BaseUrl::parse("http://pki.example").unwrap());
    let ca = Ca::open(settings, db.clone(), entropy(), at).await.unwrap();
    (ca, db)
}

/// About one certificate of the issuing authority, without a nonce.
fn request(ca: &Ca, serial: &[u8; 16]) -> Vec<u8> {
    let issuer = ca.authority(&AuthorityId::issuing()).unwrap().certificate.clone().unwrap();
    let key = SubjectPublicKeyInfoRef::try_from(issuer.spki_der()).unwrap();
    let hash = |bytes: &[u8]| tlv::element(tlv::OCTET_STRING, &[digest(&SHA256, bytes).as_ref()]);
    let oid = tlv::element(tlv::OBJECT_IDENTIFIER, &[&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1]]);
    let names = [hash(issuer.subject_der()), hash(key.subject_public_key.raw_bytes())];
    let algorithm = tlv::element(tlv::SEQUENCE, &[&oid]);
    let id = [&*algorithm, &names[0], &names[1], &tlv::integer(serial)];
    let nested = [(); 4].iter().fold(id.concat(), |inner, ()| tlv::element(tlv::SEQUENCE, &[&inner]));
    tlv::element(tlv::SEQUENCE, &[&nested])
}

fn number(ca: &Ca) -> Option<u32> {
    ca.responders.get(&AuthorityId::issuing()).map(|responder| responder.number)
}

#[tokio::test]
async fn a_responder_survives_a_restart_and_is_followed_by_the_next_number() {
    for_each_place(async |place| {
        let dir = tempfile::tempdir().unwrap();
        let (ca, db) = open(dir.path(), place, now()).await;
        let mut asked = device("pump-1");
        asked.holder = Some(ca.holder("pump-1"));
        let issued = ca.issue(asked, now()).await.unwrap();
        let request = request(&ca, &issued.serial);
        let answer = ca.ocsp(&request, now()).await;
        assert!(matches!(answer, OcspAnswer::Failed(Failure::TryLater)), "there is nobody yet who answers");
        ca.tick(now()).await;
        assert_eq!(number(&ca), Some(1));
        let OcspAnswer::Kept { der: good, .. } = ca.ocsp(&request, now()).await else { panic!("an answer") };
        ca.revoke(What::Holder("pump-1".to_owned()), Reason::Superseded, &Caller::process(), now())
            .await
            .unwrap();
        ca.close(now()).await;
        db.close().await;

        let (ca, db) = open(dir.path(), place, now() + DAY).await;
        assert_eq!(number(&ca), Some(1));
        let answer = ca.ocsp(&request, now() + DAY).await;
        let OcspAnswer::Kept { der: revoked, .. } = answer else { panic!("an answer") };
        assert_ne!(good, revoked);
        ca.tick(now() + DAY).await;
        assert_eq!(number(&ca), Some(1));
        ca.tick(now() + 7 * DAY).await;
        assert_eq!(number(&ca), Some(2));
        ca.close(now()).await;
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_was_kept_is_not_given_again_once_another_node_is_heard() {
    for_each_place(async |place| {
        let dir = tempfile::tempdir().unwrap();
        let (here, here_db) = open(dir.path(), place, now()).await;
        here.tick(now()).await;
        let (there, there_db) = open(dir.path(), place, now()).await;
        let issued = here.issue(device("pump-1"), now()).await.unwrap();
        let request = request(&there, &issued.serial);
        let asked = async || match there.ocsp(&request, now()).await {
            OcspAnswer::Kept { der, .. } => der,
            OcspAnswer::Live(_) | OcspAnswer::Failed(_) => panic!("an answer that may be kept"),
        };
        let good = asked().await;
        let serial = What::Serial { authority: AuthorityId::issuing(), serial: issued.serial };
        here.revoke(serial, Reason::Superseded, &Caller::process(), now()).await.unwrap();
        assert_eq!(asked().await, good, "nobody has told it");
        there.hear_nodes(now()).await.unwrap();
        assert_ne!(asked().await, good);
        for (ca, db) in [(here, here_db), (there, there_db)] {
            ca.close(now()).await;
            db.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_responder_that_lasts_nothing_is_signed() {
    for_each_place(async |place| {
        let dir = tempfile::tempdir().unwrap();
        let (ca, db) = open(dir.path(), place, now()).await;
        let issued = ca.issue(device("pump-1"), now()).await.unwrap();
        ca.tick(now()).await;
        let request = request(&ca, &issued.serial);
        let late = ca.ocsp(&request, now() + 15 * DAY).await;
        assert!(matches!(late, OcspAnswer::Failed(Failure::TryLater)));
        let authority = What::Authority(AuthorityId::issuing());
        ca.revoke(authority, Reason::CaCompromise, &Caller::process(), now()).await.unwrap();
        ca.tick(now() + 15 * DAY).await;
        let late = ca.ocsp(&request, now() + 15 * DAY).await;
        assert!(matches!(late, OcspAnswer::Failed(Failure::Unauthorized)), "nobody answers for it any more");
        ca.close(now()).await;
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_authority_that_has_run_out_gets_no_responder() {
    for_each_place(async |place| {
        let dir = tempfile::tempdir().unwrap();
        let (ca, db) = open(dir.path(), place, now()).await;
        let root = ca.authority(&AuthorityId::root()).unwrap();
        let end = root.certificate.as_ref().unwrap().not_after();
        ca.tick_responders(end - DAY).await;
        let last = ca.responders.get(&AuthorityId::root()).unwrap();
        assert_eq!((last.number, last.certificate.not_after()), (1, end));
        for at in [end - DAY / 2, end + DAY] {
            ca.tick_responders(at).await;
            assert_eq!(ca.responders.get(&AuthorityId::root()).unwrap().number, 1);
        }
        ca.close(now()).await;
        db.close().await;
    })
    .await;
}
