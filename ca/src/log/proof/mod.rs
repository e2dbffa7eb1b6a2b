//! Proofs that others check without us (C2SP tlog-proof): a certificate's place, its path to the root, the checkpoint
//! that signs the root. Pure.

mod service;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    ReadError,
    checkpoint::{CheckpointError, SignCheckpointError, read_hash, read_number, verify_note},
    merkle::{Hash, leaf_hash, root_of_inclusion, roots_of_consistency, sha256},
    note::VerifierKey,
};
const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
const EXTRA: &str = "extra ";
const INDEX: &str = "index ";
/// Lines before the checkpoint: a path has a hash for each level of the tree, and sizes have 64 bits.
const LINES_MAX: usize = 3 + 64;

/// That a leaf is in the tree of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    pub index: u64,
    pub size: u64,
    pub path: Vec<Hash>,
}

/// That the tree of an older checkpoint is the beginning of that of a newer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    pub old_size: u64,
    pub size: u64,
    pub path: Vec<Hash>,
}

/// All that it takes to check that a certificate is in the log, but for the certificate and the log's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Which certificate it is of, to tell one file from another: a label, which proves nothing.
    pub certificate_sha256: Option<Hash>,
    pub index: u64,
    pub path: Vec<Hash>,
    /// The checkpoint of the transparency log, a signed note.
    pub note: String,
}

/// What a proof proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proven {
    pub index: u64,
    /// Of the tree that the log signed.
    pub size: u64,
    pub root: Hash,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    #[error("the transparency log has no certificate {0}")]
    NoSuchCertificate(u64),
    #[error(
        "the transparency log has no certificate with SHA-256 `{sha256}`: it was not issued here, or other bytes were hashed than its DER"
    )]
    NotLogged { sha256: String },
    #[error("the transparency log had never {0} certificates")]
    NoSuchSize(u64),
    #[error(transparent)]
    Checkpoint(#[from] SignCheckpointError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why it proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    #[error("it is not a proof: line {0} is not as C2SP tlog-proof has it")]
    Form(usize),
    #[error("it is a proof for another certificate")]
    OtherCertificate,
    #[error("its checkpoint does not hold: {0}")]
    Checkpoint(#[from] CheckpointError),
    #[error("certificate {index} is not in the tree of {size} that its checkpoint signs")]
    Path { index: u64, size: u64 },
}

/// Checks a proof by itself: whether the log with this key promised that it has the certificate.
pub fn verify_proof(proof: &str, certificate_der: &[u8], key: &VerifierKey) -> Result<Proven, ProofError> {
    let proof = Proof::parse(proof)?;
    if proof.certificate_sha256.is_some_and(|sha256_of_it| sha256_of_it != sha256(&[certificate_der])) {
        return Err(ProofError::OtherCertificate);
    }
    let (size, root) = verify_note(&proof.note, key)?;
    let inclusion = Inclusion { index: proof.index, size, path: proof.path };
    if inclusion.leads_to(&root, certificate_der) {
        Ok(Proven { index: proof.index, size, root })
    } else {
        Err(ProofError::Path { index: proof.index, size })
    }
}

impl Inclusion {
    pub fn leads_to(&self, root: &Hash, certificate_der: &[u8]) -> bool {
        root_of_inclusion(&leaf_hash(certificate_der), self.index, self.size, &self.path).as_ref()
            == Some(root)
    }
}

impl Consistency {
    /// Every tree begins with the empty one, and there is nothing to show for it.
    pub fn holds(&self, old_root: &Hash, root: &Hash) -> bool {
        if self.old_size == 0 {
            return self.path.is_empty();
        }
        let roots = roots_of_consistency(self.old_size, old_root, self.size, &self.path);
        roots == Some((*old_root, *root))
    }
}

impl Proof {
    /// The file, `.tlog-proof`.
    pub fn to_text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\n");
        if let Some(sha256) = &self.certificate_sha256 {
            text.push_str(&format!("{EXTRA}{}\n", STANDARD.encode(sha256)));
        }
        text.push_str(&format!("{INDEX}{}\n", self.index));
        for hash in &self.path {
            text.push_str(&STANDARD.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note);
        text
    }

    pub fn parse(text: &str) -> Result<Self, ProofError> {
        // The checkpoint has an empty line, too, before its signatures.
        let (head, note) = text.split_once("\n\n").ok_or(ProofError::Form(1))?;
        let mut lines = (1..).zip(head.split('\n')).peekable();
        if lines.next().map(|(_, line)| line) != Some(FIRST_LINE) {
            return Err(ProofError::Form(1));
        }
        let extra = match lines.next_if(|(_, line)| line.starts_with(EXTRA)) {
            Some((at, line)) => STANDARD.decode(&line[EXTRA.len()..]).map_err(|_| ProofError::Form(at))?,
            None => Vec::new(),
        };
        let certificate_sha256 = extra.try_into().ok(); // else it is somebody else's, and means nothing to us
        let (at, line) = lines.next().ok_or(ProofError::Form(2))?;
        let index = line.strip_prefix(INDEX).and_then(read_number).ok_or(ProofError::Form(at))?;
        let path = lines
            .map(|(at, line)| read_hash(line).filter(|_| at <= LINES_MAX).ok_or(ProofError::Form(at)))
            .collect::<Result<_, _>>()?;
        Ok(Self { certificate_sha256, index, path, note: note.to_owned() })
    }
}
