//! Notes, checkpoints and proofs as files: what others wrote, what we write, and what must not pass for either.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;

use crate::log::{
    Checkpoint, CheckpointError, Head, NoteError, Proof, ProofError, Proven, VerifierKey, VerifierKeyError,
    checkpoint::Unsigned, edge::Edge, leaf_hash, sha256, verify_proof,
};

/// The key and the note that the documentation of Go's package `note` has for an example.
const NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NEUMANN_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

struct Signer {
    pair: Ed25519KeyPair,
    key: VerifierKey,
}

impl Signer {
    fn new(name: &str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = VerifierKey::new(name, pair.public_key().as_ref().try_into().unwrap()).unwrap();
        Self { pair, key }
    }

    fn note(&self, text: &str) -> String {
        self.key.note(text, self.pair.sign(text.as_bytes()).as_ref())
    }

    fn checkpoint(&self, leaves: &[[u8; 32]]) -> Checkpoint {
        let mut head = Head::default();
        head.edge.append(leaves);
        let unsigned = Unsigned::new(&head, &self.key);
        let signatures = [&unsigned.text, &unsigned.audit_text].map(|text| self.pair.sign(text.as_bytes()));
        let signatures = [signatures[0].as_ref(), signatures[1].as_ref()];
        unsigned.signed(&self.key, signatures, Timestamp::UNIX_EPOCH).unwrap()
    }
}

#[test]
fn a_note_that_others_signed_is_verified() {
    let key = VerifierKey::parse(NEUMANN).unwrap();
    assert_eq!(key.to_string(), NEUMANN);
    let text = key.verify(NEUMANN_NOTE).unwrap();
    assert!(text.starts_with("If you think") && text.ends_with("problem is.\n"), "{text}");
}

#[test]
fn a_key_that_was_copied_wrong_is_none() {
    let wrong = |text: &str| VerifierKey::parse(text).unwrap_err();
    assert!(matches!(wrong(&NEUMANN.replace("c74f", "c74e")), VerifierKeyError::Id(_)));
    assert!(matches!(wrong(&NEUMANN.replace("Peter", "Petra")), VerifierKeyError::Id(_)));
    for text in ["", "a+b", "a+00000000+", "+c74f20a3+ARpc", &NEUMANN[..NEUMANN.len() - 4]] {
        assert!(matches!(wrong(text), VerifierKeyError::Form(_)), "{text}");
    }
    // Another algorithm.
    let other = STANDARD.encode([&[4], &[7; 32][..]].concat());
    assert!(matches!(wrong(&format!("name+00000000+{other}")), VerifierKeyError::Form(_)));
    assert_eq!(VerifierKey::new("a b", [0; 32]), None);
    assert_eq!(VerifierKey::new("a\u{a0}b", [0; 32]), None);
}

#[test]
fn notes_that_this_key_did_not_sign_are_refused() {
    let (log, other) = (Signer::new("factory.example/log"), Signer::new("factory.example/log"));
    let note = log.note("hello\n");
    assert_eq!(log.key.verify(&note), Ok("hello\n"));
    assert_eq!(other.key.verify(&note), Err(NoteError::Unsigned));
    assert_eq!(log.key.verify(&note.replace("hello", "hallo")), Err(NoteError::Signature));
    // A witness signs beside the log; who knows only one of them looks at only that.
    let witness = Signer::new("witness.example");
    let both = format!("{note}{}", witness.note("hello\n").split_once("\n\n").unwrap().1);
    assert_eq!(log.key.verify(&both), Ok("hello\n"));
    assert_eq!(witness.key.verify(&both), Ok("hello\n"));
    for broken in [
        "",
        "hello\n",
        "hello\n\n",
        &note[..note.len() - 1],
        &note.replace("— ", "- "),
        &note.replace('h', "\r"),
    ] {
        assert_eq!(log.key.verify(broken), Err(NoteError::Form), "{broken:?}");
    }
    assert_eq!(log.key.verify(&format!("{}{note}", "x".repeat(200_000))), Err(NoteError::Form));
}

#[test]
fn a_checkpoint_is_three_lines_and_a_signature() {
    let log = Signer::new("factory.example/log/0a1b2c3d");
    let leaf = leaf_hash(b"certificate");
    let checkpoint = log.checkpoint(&[leaf]);
    let lines: Vec<_> = checkpoint.note.lines().collect();
    assert_eq!(lines[..4], ["factory.example/log/0a1b2c3d", "1", &STANDARD.encode(leaf), ""]);
    assert!(lines[4].starts_with("— factory.example/log/0a1b2c3d "), "{}", lines[4]);
    assert!(checkpoint.audit_note.starts_with("factory.example/log/0a1b2c3d/audit\n0\nAAAA"));
    let verify = |note: &str, audit_note: &str| {
        Checkpoint::verify(note.to_owned(), audit_note.to_owned(), Timestamp::UNIX_EPOCH, &log.key)
    };
    assert_eq!(verify(&checkpoint.note, &checkpoint.audit_note), Ok(checkpoint.clone()));
    // Neither passes for the other.
    let swapped = verify(&checkpoint.audit_note, &checkpoint.note);
    assert_eq!(swapped, Err(CheckpointError::Note(NoteError::Unsigned)));
    let check = |text: &str| verify(&log.note(text), &checkpoint.audit_note).map(|read| read.size);
    let (name, root) = (log.key.name(), STANDARD.encode(leaf));
    assert_eq!(check(&format!("{name}\n7\n{root}\nan extension\n")), Ok(7));
    assert_eq!(check(&format!("other.example\n7\n{root}\n")), Err(CheckpointError::Origin));
    for size in ["07", "+7", "-1", "", "x", "18446744073709551616"] {
        assert_eq!(check(&format!("{name}\n{size}\n{root}\n")), Err(CheckpointError::Form), "{size}");
    }
    assert_eq!(check(&format!("{name}\n7\nAAAA\n")), Err(CheckpointError::Form));
    assert_eq!(check(&format!("{name}\n7\n")), Err(CheckpointError::Form));
}

#[test]
fn a_proof_proves_its_certificate_and_no_other_and_nothing_when_it_was_changed() {
    let log = Signer::new("factory.example/log");
    let ders: Vec<_> = (0..3).map(|n| format!("certificate {n}").into_bytes()).collect();
    let leaves: Vec<_> = ders.iter().map(|der| leaf_hash(der)).collect();
    let checkpoint = log.checkpoint(&leaves);
    let proof = Proof {
        certificate_sha256: Some(sha256(&[&ders[2]])),
        index: 2,
        path: vec![edge(&leaves[..2]).root()],
        note: checkpoint.note.clone(),
    };
    let text = proof.to_text();
    assert_eq!(Proof::parse(&text).unwrap(), proof);
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{text}");
    let proven = Proven { index: 2, size: 3, root: checkpoint.root };
    assert_eq!(verify_proof(&text, &ders[2], &log.key), Ok(proven));
    assert_eq!(verify_proof(&text, &ders[1], &log.key), Err(ProofError::OtherCertificate));
    let unlabelled = Proof { certificate_sha256: None, ..proof.clone() }.to_text();
    assert_eq!(verify_proof(&unlabelled, &ders[2], &log.key), Ok(proven));
    let elsewhere = Err(ProofError::Path { index: 2, size: 3 });
    assert_eq!(verify_proof(&unlabelled, &ders[1], &log.key), elsewhere);
    let moved = text.replace("index 2", "index 1");
    assert_eq!(verify_proof(&moved, &ders[2], &log.key), Err(ProofError::Path { index: 1, size: 3 }));
    let forged = text.replace("\n3\n", "\n4\n");
    let forged = verify_proof(&forged, &ders[2], &log.key);
    assert_eq!(forged, Err(ProofError::Checkpoint(CheckpointError::Note(NoteError::Signature))));
    let stranger = Signer::new("factory.example/log");
    let unsigned = verify_proof(&text, &ders[2], &stranger.key);
    assert_eq!(unsigned, Err(ProofError::Checkpoint(CheckpointError::Note(NoteError::Unsigned))));
    for (broken, line) in [
        (text.replace("@v1", "@v2"), 1),
        (text.replace("index 2", "index 02"), 3),
        (text.replace("index 2\n", "index 2\n====\n"), 4),
        (text.replace("\n\n", "\n"), 1),
        (
            text.replace(
                "index 2\n",
                &format!("index 2\n{}", format!("{}\n", STANDARD.encode([0; 32])).repeat(70)),
            ),
            68,
        ),
    ] {
        assert_eq!(verify_proof(&broken, &ders[2], &log.key), Err(ProofError::Form(line)), "{broken}");
    }
}

#[test]
fn no_byte_of_a_proof_but_its_label_can_be_another() {
    let log = Signer::new("factory.example/log");
    let leaves = [leaf_hash(b"other"), leaf_hash(b"certificate")];
    let proof = Proof {
        certificate_sha256: Some(sha256(&[b"certificate"])),
        index: 1,
        path: vec![leaves[0]],
        note: log.checkpoint(&leaves).note,
    };
    let text = proof.to_text();
    verify_proof(&text, b"certificate", &log.key).unwrap();
    // But for the label, which proves nothing and is told apart only if it is a hash.
    let label = text.find("extra").unwrap()..text.find("index").unwrap();
    for at in (0..text.len()).filter(|at| !label.contains(at)) {
        for byte in [b'\n', b' ', b'0', b'A', b'=', b'~', text.as_bytes()[at] ^ 1] {
            let mut changed = text.clone().into_bytes();
            changed[at] = byte;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            let proven = verify_proof(&changed, b"certificate", &log.key);
            assert!(changed == text || proven.is_err(), "{at}: {changed}");
        }
        assert!(!text.is_char_boundary(at) || verify_proof(&text[..at], b"certificate", &log.key).is_err());
    }
}

fn edge(leaves: &[[u8; 32]]) -> Edge {
    let mut edge = Edge::default();
    edge.append(leaves);
    edge
}
