//! Somebody with the database, but without the log's key, changes what was recorded.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};

use muster_store::{Db, Statement, Value};
use muster_test_engines::for_each_engine;

use crate::{
    Ca,
    audit::{Action, Broken, Chained, Decision, Entry, VerifyError, Wrong, sql},
    caller::Caller,
    log::{CheckpointError, Damaged, NoteError, Record, sql as log_sql, tests::certificate, tiles::TileId},
    workshop::{now, open},
};

/// More than a full tile, and more than a page.
const CERTIFICATES: u64 = 300;
const OTHERS: u64 = 800;

/// An authority that did a few things, with checkpoints in between.
pub(super) async fn busy(db: &Db, dir: &std::path::Path) -> Arc<Ca> {
    let ca = open(dir, db, now()).await.unwrap();
    for n in 0..CERTIFICATES {
        let object = format!("certificate/{n}");
        let entry = Entry::new(&Caller::process(), Action::CertificateIssue, object, Decision::Allowed);
        let mut record = Record::new(entry, now()).certificate(&certificate(n));
        for other in 0..OTHERS / CERTIFICATES + 1 {
            let object = format!("operator-{other}");
            record = record.and(Entry::new(&Caller::process(), Action::SignIn, object, Decision::Refused));
        }
        ca.append(record).await.unwrap();
        if n % 90 == 0 {
            ca.checkpoint(now() + SignedDuration::from_secs(n as i64)).await.unwrap();
        }
    }
    ca.checkpoint(now()).await.unwrap();
    ca
}

async fn wrong(ca: &Ca) -> Wrong {
    match ca.audit_verify(now(), |_, _| ()).await {
        Err(VerifyError::Wrong(wrong)) => wrong,
        other => panic!("nothing is found: {other:?}"),
    }
}

async fn run(db: &Db, sql: &'static str, args: &[Value]) {
    db.write(vec![Statement::new(sql, args).exactly(1)]).await.unwrap();
}

/// Does, looks, and takes it back.
async fn found_when(
    ca: &Ca,
    (done, with): (&'static str, &[Value]),
    (undone, back): (&'static str, &[Value]),
) -> Wrong {
    run(&ca.db, done, with).await;
    let wrong = wrong(ca).await;
    run(&ca.db, undone, back).await;
    wrong
}

async fn entry_of(ca: &Ca, index: u64) -> Chained {
    let entries = sql::page(&ca.db, 1, u64::MAX, 10_000).await.unwrap();
    entries.into_iter().find(|entry| entry.log_index == Some(index)).unwrap()
}

#[tokio::test]
async fn whatever_is_changed_in_the_database_is_found_and_named() {
    for_each_engine(async |db| {
        let dir = tempfile::tempdir().unwrap();
        let ca = busy(&db, dir.path()).await;
        let mut seen = Vec::new();
        let verified = ca.audit_verify(now(), |done, of| seen.push((done, of))).await.unwrap();
        assert_eq!(seen.last(), Some(&(verified.entries, verified.entries)));
        assert!(seen.is_sorted() && verified.certificates >= CERTIFICATES, "{verified:?}");

        entries_are_guarded(&ca).await;
        certificates_are_guarded(&ca).await;
        tiles_are_guarded(&ca).await;
        checkpoints_are_guarded(&ca).await;

        // All is as it was.
        assert_eq!(ca.audit_verify(now(), |_, _| ()).await.unwrap(), verified);
        a_forged_rest_is_found_at_the_next_checkpoint(&ca).await;
        ca.close(now()).await;
    })
    .await;
}

async fn entries_are_guarded(ca: &Ca) {
    let set = "UPDATE ca_audit_entry SET object = $1 WHERE sequence = 417";
    let object = sql::page(&ca.db, 417, 417, 1).await.unwrap()[0].object.clone();
    let wrong = found_when(ca, (set, &["x".into()]), (set, &[object.into()])).await;
    assert_eq!(wrong, Wrong::Entry(Broken::Changed(417)));

    let renumber = "UPDATE ca_audit_entry SET sequence = $1 WHERE sequence = $2";
    let (at, away) = (Value::Int(40), Value::Int(1_000_000));
    let wrong = found_when(ca, (renumber, &[away.clone(), at.clone()]), (renumber, &[at, away])).await;
    assert_eq!(wrong, Wrong::Entry(Broken::Missing(40)));

    let copy = "INSERT INTO ca_audit_entry SELECT 1000000, at, actor, credential, action, object, decision, reason, \
                count, request_sha256, certificate_sha256, log_index, previous, hash \
                FROM ca_audit_entry WHERE sequence = 1";
    let remove = "DELETE FROM ca_audit_entry WHERE sequence = 1000000";
    let wrong = found_when(ca, (copy, &[]), (remove, &[])).await;
    assert!(matches!(wrong, Wrong::Entries { found: 1_000_000, .. }), "{wrong:?}");
}

async fn certificates_are_guarded(ca: &Ca) {
    let sequence = entry_of(ca, 280).await.sequence;
    let stored = log_sql::certificates(&ca.db, 280, 281).await.unwrap()[0].1.clone();
    let set = "UPDATE ca_log_certificate SET certificate = $1 WHERE log_index = 280";
    let other = STANDARD.encode(certificate(9999).der());
    let wrong = found_when(ca, (set, &[other.into()]), (set, &[stored.into()])).await;
    assert_eq!(wrong, Wrong::CertificateReplaced { index: 280, sequence });

    let renumber = "UPDATE ca_log_certificate SET log_index = $1 WHERE log_index = $2";
    let (at, away) = (Value::Int(280), Value::Int(1_000_000));
    let wrong = found_when(ca, (renumber, &[away.clone(), at.clone()]), (renumber, &[at, away])).await;
    assert_eq!(wrong, Wrong::CertificateMissing { sequence, index: 280 });

    let insert = "INSERT INTO ca_log_certificate (log_index, certificate) VALUES (999, 'AAAA')";
    let remove = "DELETE FROM ca_log_certificate WHERE log_index = 999";
    let wrong = found_when(ca, (insert, &[]), (remove, &[])).await;
    assert!(matches!(wrong, Wrong::Certificates { found: 1000, .. }), "{wrong:?}");
}

async fn tiles_are_guarded(ca: &Ca) {
    let cases = [
        (TileId { level: 0, index: 0 }, 77, Wrong::Leaf(77)),
        (TileId { level: 0, index: 1 }, 3, Wrong::Leaf(259)),
        (TileId { level: 1, index: 0 }, 0, Wrong::Damaged(Damaged(TileId { level: 1, index: 0 }))),
    ];
    for (id, at, expected) in cases {
        let whole = log_sql::tiles(&ca.db, &[id]).await.unwrap().hashes(id).as_flattened().to_vec();
        let mut bent = whole.clone();
        bent[at * 32] ^= 1;
        let set = "UPDATE ca_log_tile SET hashes = $1 WHERE level = $2 AND tile = $3";
        let put =
            |bytes: Vec<u8>| [Value::Blob(bytes), Value::Int(id.level.into()), Value::Int(id.index as i64)];
        let wrong = found_when(ca, (set, &put(bent)), (set, &put(whole.clone()))).await;
        assert_eq!(wrong, expected);
    }
}

async fn checkpoints_are_guarded(ca: &Ca) {
    let stored = log_sql::checkpoints(&ca.db, 0, u64::MAX).await.unwrap();
    assert!(stored.len() >= 4);
    let (second, entries) = (&stored[1], Value::Int(stored[1].entries as i64));
    for (set, note) in [
        ("UPDATE ca_log_checkpoint SET log_note = $1 WHERE entries = $2", &second.note),
        ("UPDATE ca_log_checkpoint SET audit_note = $1 WHERE entries = $2", &second.audit_note),
    ] {
        let mut lines: Vec<_> = note.split('\n').map(str::to_owned).collect();
        lines[1] = "5".into();
        let bent = lines.join("\n");
        let done = [Value::Text(bent), entries.clone()];
        let wrong = found_when(ca, (set, &done), (set, &[note.into(), entries.clone()])).await;
        let why = CheckpointError::Note(NoteError::Signature);
        assert_eq!(wrong, Wrong::Checkpoint { entries: second.entries, why });
    }
    let renumber = "UPDATE ca_log_checkpoint SET entries = $1 WHERE entries = $2";
    let away = Value::Int(second.entries as i64 + 1);
    let wrong =
        found_when(ca, (renumber, &[away.clone(), entries.clone()]), (renumber, &[entries.clone(), away]))
            .await;
    assert_eq!(wrong, Wrong::CheckpointMisplaced(second.entries + 1));
}

/// Every hash computed anew from a changed entry on: the chain is whole, but not the one that was signed.
async fn a_forged_rest_is_found_at_the_next_checkpoint(ca: &Ca) {
    let entries = sql::page(&ca.db, 1, u64::MAX, 10_000).await.unwrap();
    let mut head = crate::audit::ChainHead { entries: 99, hash: entries[98].hash };
    let mut unit = Vec::new();
    for old in &entries[99..] {
        let action = match &*old.action {
            "certificate.issue" => Action::CertificateIssue,
            _ => Action::SignIn,
        };
        let decision = if old.decision == "allowed" { Decision::Allowed } else { Decision::Refused };
        let entry = Entry {
            actor: "somebody else".into(),
            credential: old.credential.clone(),
            action,
            object: old.object.clone(),
            decision,
            reason: old.reason.clone(),
            request_sha256: old.request_sha256,
            certificate_sha256: old.certificate_sha256,
            count: old.count,
        };
        let forged = head.chain(&entry, old.log_index, Timestamp::UNIX_EPOCH);
        let set = "UPDATE ca_audit_entry SET at = 0, actor = $1, action = $2, previous = $3, hash = $4 \
                   WHERE sequence = $5";
        let args = [
            Value::Text(forged.actor),
            forged.action.into(),
            hex::encode(forged.previous).into(),
            hex::encode(forged.hash).into(),
            Value::Int(forged.sequence as i64),
        ];
        unit.push(Statement::new(set, args).exactly(1));
    }
    ca.db.write(unit).await.unwrap();
    let signed = log_sql::checkpoints(&ca.db, 100, u64::MAX).await.unwrap();
    assert_eq!(wrong(ca).await, Wrong::Chain(signed[0].entries));
}
