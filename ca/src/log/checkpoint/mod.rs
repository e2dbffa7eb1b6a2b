//! Checkpoints: how far both logs were, signed. Pure.
//!
//! Of the transparency log it is a C2SP tlog-checkpoint: the log's name, its size, the root of its tree. Of the audit log,
//! which is a chain and not a tree, it is a note of the same form under the name with `/audit` after it: how many entries,
//! and the hash of the last. Lines of our own in the first would be none that witnesses can check.

mod service;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;

use muster_store::WriteError;

use super::{
    Head, ReadError,
    merkle::Hash,
    note::{NoteError, VerifierKey},
};
use crate::{
    audit::ChainHead,
    keys::{KeyError, KeyRefError, SignError},
};

pub(crate) use service::Signer;

const AUDIT: &str = "/audit";

/// How big the tree was and what its root hash was, and the same of the audit log, both signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub size: u64,
    pub root: Hash,
    /// The signed note of the transparency log, as it is published.
    pub note: String,
    pub chain: ChainHead,
    /// The signed note of the audit log.
    pub audit_note: String,
    pub signed: Timestamp,
}

/// Why a checkpoint is none of this log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("it is no checkpoint")]
    Form,
    #[error("it is a checkpoint of another log")]
    Origin,
}

/// Why no checkpoint was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignCheckpointError {
    #[error("the key of the transparency log cannot be used: {0}")]
    Key(#[from] KeyError),
    #[error("the key of the transparency log cannot be used: {0}")]
    KeyRef(#[from] KeyRefError),
    #[error(
        "the key of the transparency log is another one than at its first start: restore it from a backup, or nobody can tell the log from a forged one"
    )]
    OtherKey,
    #[error("the checkpoint is not signed: {0}")]
    Sign(#[from] SignError),
    #[error("the checkpoint is not recorded: {0}")]
    Write(#[from] WriteError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What is to be signed: the texts of both notes, with the keys that they are signed by.
pub(crate) struct Unsigned {
    size: u64,
    root: Hash,
    chain: ChainHead,
    pub(crate) text: String,
    pub(crate) audit_text: String,
}

impl Unsigned {
    pub(crate) fn new(head: &Head, key: &VerifierKey) -> Self {
        let (size, root, chain) = (head.edge.size(), head.edge.root(), head.chain);
        let text = text(key.name(), size, &root);
        let audit_text = self::text(&audit_name(key), chain.entries, &chain.hash);
        Self { size, root, chain, text, audit_text }
    }

    /// With the signatures over both texts.
    pub(crate) fn signed(
        self,
        key: &VerifierKey,
        [signature, audit_signature]: [&[u8]; 2],
        now: Timestamp,
    ) -> Option<Checkpoint> {
        let audit_key = key.named(&audit_name(key))?;
        Some(Checkpoint {
            size: self.size,
            root: self.root,
            note: key.note(&self.text, signature),
            chain: self.chain,
            audit_note: audit_key.note(&self.audit_text, audit_signature),
            signed: now,
        })
    }
}

impl Checkpoint {
    /// Reads both notes, if this key signed them.
    pub fn verify(
        note: String,
        audit_note: String,
        signed: Timestamp,
        key: &VerifierKey,
    ) -> Result<Self, CheckpointError> {
        let (size, root) = verify_note(&note, key)?;
        let audit_key = key.named(&audit_name(key)).ok_or(CheckpointError::Form)?;
        let (entries, hash) = verify_note(&audit_note, &audit_key)?;
        Ok(Self { size, root, note, chain: ChainHead { entries, hash }, audit_note, signed })
    }
}

/// Size and root that a note of this log tells; lines after them are for those who know them.
pub(crate) fn verify_note(note: &str, key: &VerifierKey) -> Result<(u64, Hash), CheckpointError> {
    let mut lines = key.verify(note)?.lines();
    let (origin, size, root) = (lines.next(), lines.next(), lines.next());
    if origin != Some(key.name()) {
        return Err(CheckpointError::Origin);
    }
    let size = size.and_then(read_number).ok_or(CheckpointError::Form)?;
    let root = root.and_then(read_hash).ok_or(CheckpointError::Form)?;
    Ok((size, root))
}

/// Decimal, without signs or leading zeros.
pub(crate) fn read_number(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}

pub(crate) fn read_hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

fn text(origin: &str, size: u64, root: &Hash) -> String {
    format!("{origin}\n{size}\n{}\n", STANDARD.encode(root))
}

fn audit_name(key: &VerifierKey) -> String {
    format!("{}{AUDIT}", key.name())
}
