//! The log in an authority: signed in time, under one name and key for good, whatever is refused meanwhile.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::SignedDuration;

use muster_store::Statement;
use muster_test_engines::{for_each_engine, for_each_place};

use crate::{
    BaseUrl, Ca, Settings,
    audit::{Action, Decision, Entry, sql as audit_sql},
    caller::Caller,
    log::{Record, SignCheckpointError, sql, tests::certificate, verify_proof},
    workshop::{entropy, now, open, openssl_verifies},
};

fn entry(object: &str, decision: Decision) -> Entry {
    Entry::new(&Caller::process(), Action::SignIn, object, decision)
}

#[tokio::test]
async fn what_grew_is_signed_within_a_minute_and_at_the_end() {
    for_each_engine(async |db| {
        let dir = tempfile::tempdir().unwrap();
        let ca = open(dir.path(), &db, now()).await.unwrap();
        let signed = async || sql::checkpoints(&db, 0, u64::MAX).await.unwrap().len();
        let tick = async |seconds| {
            let at = now() + SignedDuration::from_secs(seconds);
            assert!(ca.tick_log(at).await.unwrap() > at);
        };
        tick(0).await;
        let first = signed().await;
        assert_eq!(first, 1);
        tick(120).await;
        assert_eq!(signed().await, first, "nothing grew");
        ca.audit(entry("a", Decision::Allowed), now()).await.unwrap();
        tick(130).await;
        assert_eq!(signed().await, 2, "it grew, and the last one is old");
        ca.audit(entry("b", Decision::Allowed), now()).await.unwrap();
        tick(189).await;
        assert_eq!(signed().await, 2, "a minute is not over");
        tick(190).await;
        assert_eq!(signed().await, 3);
        ca.audit(entry("c", Decision::Allowed), now()).await.unwrap();
        ca.close(now() + SignedDuration::from_secs(191)).await;
        let last = sql::latest_checkpoint(&db).await.unwrap().unwrap();
        assert_eq!(last.entries, sql::head(&db).await.unwrap().chain.entries);
    })
    .await;
}

#[tokio::test]
async fn refusals_by_the_thousand_are_two_entries() {
    for_each_engine(async |db| {
        let dir = tempfile::tempdir().unwrap();
        let ca = open(dir.path(), &db, now()).await.unwrap();
        let before = sql::head(&db).await.unwrap().chain.entries;
        for _ in 0..1000 {
            ca.audit(entry("mallory", Decision::Refused).because("wrong password"), now()).await.unwrap();
        }
        assert_eq!(sql::head(&db).await.unwrap().chain.entries, before + 1);
        let next = ca.tick_log(now()).await.unwrap();
        assert!(next <= now() + SignedDuration::from_secs(1));
        ca.tick_log(next).await.unwrap();
        let entries = ca.audit_page(before + 1, usize::MAX).await.unwrap();
        let written = entries.iter().filter(|entry| entry.object == "mallory");
        assert_eq!(written.map(|entry| entry.count).collect::<Vec<_>>(), [1, 999]);
        ca.audit_verify(now(), |_, _| ()).await.unwrap();
        ca.close(now()).await;
    })
    .await;
}

#[tokio::test]
async fn the_log_keeps_its_name_and_key_and_goes_on_where_it_ended() {
    for_each_place(async |place| {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(dir.path());
        settings.base_url = Some(BaseUrl::parse("http://pki.factory.example/ca/").unwrap());
        let db = place.open().await;
        let ca = Ca::open(settings, db.clone(), entropy(), now()).await.unwrap();
        let key = ca.log_key(now()).await.unwrap();
        let old = ca.checkpoint(now()).await.unwrap();
        assert!(key.name().starts_with("pki.factory.example/ca/log/"), "{key}");
        ca.close(now()).await;
        drop(ca);
        db.close().await;

        // Another address, by then: the name stays.
        let db = place.open().await;
        let ca = open(dir.path(), &db, now()).await.unwrap();
        assert_eq!(ca.log_key(now()).await.unwrap(), key);
        ca.audit(entry("again", Decision::Allowed), now()).await.unwrap();
        let new = ca.checkpoint(now()).await.unwrap();
        assert!(new.chain.entries > old.chain.entries);
        assert!(ca.prove_consistency(old.size, new.size).await.unwrap().holds(&old.root, &new.root));
        ca.audit_verify(now(), |_, _| ()).await.unwrap();
        ca.close(now()).await;
        drop(ca);

        // Another key under that name would be another log.
        let set = "UPDATE ca_log_key SET public = $1";
        db.write(vec![Statement::new(set, [STANDARD.encode([7; 32]).into()])]).await.unwrap();
        let ca = open(dir.path(), &db, now()).await.unwrap();
        let refused = ca.checkpoint(now()).await;
        assert!(matches!(refused, Err(SignCheckpointError::OtherKey)), "{refused:?}");
        ca.close(now()).await;
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn openssl_verifies_what_the_log_signed() {
    let dir = tempfile::tempdir().unwrap();
    let db = muster_store::Db::open_memory().await.unwrap();
    let ca = open(dir.path(), &db, now()).await.unwrap();
    let key = ca.log_key(now()).await.unwrap();
    let checkpoint = ca.checkpoint(now()).await.unwrap();
    // RFC 8410: what stands before the 32 bytes of an Ed25519 key.
    let spki = [&hex::decode("302a300506032b6570032100").unwrap()[..], key.public()].concat();
    for note in [&checkpoint.note, &checkpoint.audit_note] {
        let (text, line) = note.split_once("\n\n").unwrap();
        let signature = STANDARD.decode(line.trim_end().rsplit(' ').next().unwrap()).unwrap();
        let text = format!("{text}\n");
        assert!(openssl_verifies(&spki, None, text.as_bytes(), &signature[4..]));
    }
    let entries = audit_sql::page(&db, 1, u64::MAX, 1000).await.unwrap();
    assert!(entries.iter().any(|entry| entry.action == "log.key.create" && entry.object == key.name()));
    ca.close(now()).await;
}

#[tokio::test]
async fn one_node_proves_and_signs_what_another_recorded() {
    for_each_place(async |place| {
        let dir = tempfile::tempdir().unwrap();
        let (db, other) = (place.open().await, place.open().await);
        let recording = open(dir.path(), &db, now()).await.unwrap();
        let proving = open(dir.path(), &other, now()).await.unwrap();
        let key = proving.log_key(now()).await.unwrap();
        proving.checkpoint(now()).await.unwrap();
        let certificate = certificate(1);
        let record = Record::new(entry("elsewhere", Decision::Allowed), now()).certificate(&certificate);
        let index = recording.append(record).await.unwrap().log_index.unwrap();
        let proof = proving.prove(index, now()).await.unwrap();
        let proven = verify_proof(&proof.to_text(), certificate.der(), &key).unwrap();
        let newest = recording.checkpoint(now()).await.unwrap();
        assert_eq!((proven.size, proven.root), (newest.size, newest.root));
        let verified = proving.audit_verify(now(), |_, _| ()).await.unwrap();
        assert_eq!(verified.last, newest);
        for (ca, db) in [(recording, db), (proving, other)] {
            ca.close(now()).await;
            db.close().await;
        }
    })
    .await;
}
