//! The export, verified as somebody else would who has nothing but the file and the log's key.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use muster_store::Db;

use super::tampering::busy;
use crate::{
    Ca,
    audit::{Broken, VerifyExportError, Wrong, find_in_export, verify_export},
    log::{Checkpoint, CheckpointError, NoteError, VerifierKey, sql, tests::certificate, verify_proof},
    workshop::now,
};

async fn export(ca: &Ca) -> String {
    let mut export = ca.audit_export(now()).await.unwrap();
    let mut file = Vec::new();
    while let Some(part) = export.next().await.unwrap() {
        file.extend(part);
    }
    String::from_utf8(file).unwrap()
}

fn wrong(lines: &[String], key: &VerifierKey) -> (u64, Wrong) {
    match verify_export(lines.concat().as_bytes(), Some(key)) {
        Err(VerifyExportError::Wrong { line, why }) => (line, why),
        other => panic!("nothing is found: {other:?}"),
    }
}

#[tokio::test]
async fn an_export_proves_itself_and_no_line_of_it_can_be_changed() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open_memory().await.unwrap();
    let ca = busy(&db, dir.path()).await;
    let key = ca.log_key(now()).await.unwrap();
    let file = export(&ca).await;
    let verified = verify_export(file.as_bytes(), Some(&key)).unwrap();
    assert_eq!(verified, verify_export(file.as_bytes(), None).unwrap());
    assert_eq!(verified.last, ca.checkpoint(now()).await.unwrap());
    assert_eq!((verified.entries, verified.certificates), (verified.last.chain.entries, verified.last.size));
    assert!(verified.checkpoints >= 4);

    let lines: Vec<String> = file.split_inclusive('\n').map(str::to_owned).collect();
    assert_eq!(lines.len() as u64, 2 + verified.entries + verified.certificates + verified.checkpoints);
    let at = |part: &str| lines.iter().position(|line| line.contains(part)).unwrap();
    // The authorities' own certificates are the first ones.
    let (issued, logged) = (at("certificate/7\""), at("\"index\":9,"));
    assert_eq!(logged, issued + 1);
    let changed = |at: usize, from: &str, to: &str| {
        assert!(lines[at].contains(from), "{}", lines[at]);
        let mut lines = lines.clone();
        lines[at] = lines[at].replacen(from, to, 1);
        wrong(&lines, &key)
    };
    let without = |at: usize| {
        let mut lines = lines.clone();
        lines.remove(at);
        wrong(&lines, &key)
    };
    let sequence: u64 =
        lines[issued].split("\"sequence\":").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    let line = |at: usize| at as u64 + 1;
    assert_eq!(
        changed(issued, "certificate/7", "certificate/8"),
        (line(issued), Wrong::Entry(Broken::Changed(sequence)))
    );
    assert_eq!(without(issued).1, Wrong::CertificateUnaccounted(9));
    assert_eq!(without(logged).1, Wrong::CertificateMissing { sequence, index: 9 });
    let leaf = lines[logged].split("\"leaf\":\"").nth(1).unwrap()[..8].to_owned();
    assert_eq!(changed(logged, &leaf, "00000000"), (line(logged), Wrong::Leaf(9)));
    assert_eq!(
        changed(logged, "\"certificate\":\"MII", "\"certificate\":\"NII").1,
        Wrong::CertificateReplaced { index: 9, sequence }
    );
    let signed = at("\"type\":\"checkpoint\"");
    let (_, why) = changed(signed, "\\n\\n— ", "\\nx\\n\\n— ");
    assert!(
        matches!(why, Wrong::Checkpoint { why: CheckpointError::Note(NoteError::Signature), .. }),
        "{why:?}"
    );
    let last = lines.len() - 1;
    assert_eq!(without(last).1, Wrong::CutOff);
    let (_, why) = without(last - 1);
    assert!(
        matches!(why, Wrong::EndUnsigned { signed: 1.., entries } if entries == verified.entries),
        "{why:?}"
    );
    assert_eq!(without(0), (1, Wrong::KeyMissing));
    let other = VerifierKey::parse(&key.to_string().replace("muster", "another"));
    assert!(other.is_err(), "a key's id depends on its name");
    assert!(matches!(
        verify_export("{\"type\":\"end\"}\n".as_bytes(), None),
        Err(VerifyExportError::Line { line: 1, .. })
    ));
    let endless = "x".repeat(1 << 20);
    assert!(matches!(verify_export(endless.as_bytes(), None), Err(VerifyExportError::Line { line: 1, .. })));

    proofs_hold(&ca, &key).await;
    let (index, base64) = sql::certificates(&db, 9, 10).await.unwrap().remove(0);
    let der = STANDARD.decode(base64).unwrap();
    let (same, found) = find_in_export(file.as_bytes(), Some(&key), &der).unwrap();
    let found = found.unwrap();
    assert_eq!((same, found.index, found.entry.sequence), (verified, index, sequence));
    let (_, none) = find_in_export(file.as_bytes(), Some(&key), certificate(9999).der()).unwrap();
    assert_eq!(none, None);
}

/// For those certificates that the test put in, wherever they are, and between all checkpoints.
async fn proofs_hold(ca: &Ca, key: &VerifierKey) {
    let stored = sql::certificates(&ca.db, 0, u64::MAX).await.unwrap();
    let newest = ca.checkpoint(now()).await.unwrap();
    for (index, base64) in stored.iter().step_by(37) {
        let proof = ca.prove(*index, now()).await.unwrap().to_text();
        let proven = verify_proof(&proof, &STANDARD.decode(base64).unwrap(), key).unwrap();
        assert_eq!((proven.index, proven.size, proven.root), (*index, newest.size, newest.root));
        assert!(verify_proof(&proof, certificate(9999).der(), key).is_err());
    }
    assert!(ca.prove(stored.len() as u64, now()).await.is_err());
    let mut signed = Vec::new();
    for stored in sql::checkpoints(&ca.db, 0, u64::MAX).await.unwrap() {
        signed.push(Checkpoint::verify(stored.note, stored.audit_note, stored.signed, key).unwrap());
    }
    for (at, new) in signed.iter().enumerate() {
        for old in &signed[..=at] {
            let proof = ca.prove_consistency(old.size, new.size).await.unwrap();
            assert!(proof.holds(&old.root, &new.root), "{} to {}", old.size, new.size);
            assert!(old.size == new.size || !proof.holds(&new.root, &new.root));
        }
    }
    assert!(ca.prove_consistency(1, newest.size + 1).await.is_err());
}
