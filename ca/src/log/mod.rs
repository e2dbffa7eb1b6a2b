//! The transparency log: every certificate issued, in a Merkle tree (RFC 6962 leaves) with signed checkpoints.

mod batch;
mod checkpoint;
pub(crate) mod edge;
mod merkle;
mod note;
mod proof;
mod record;
mod service;
pub(crate) mod sql;
pub(crate) mod tiles;
mod worker;

#[cfg(test)]
pub(crate) mod tests;

use muster_store::StoreError;

use crate::audit::ChainHead;
use edge::Edge;

pub use checkpoint::{Checkpoint, CheckpointError, SignCheckpointError};
pub use merkle::Hash;
pub use note::{NoteError, VerifierKey, VerifierKeyError};
pub use proof::{Consistency, Inclusion, Proof, ProofError, ProveError, Proven, verify_proof};
pub use record::{Record, Recorded};
pub use service::Log;
pub use tiles::Damaged;

pub(crate) use merkle::{leaf_hash, sha256};

/// Where both logs end: the audit log's chain, and the right edge of the tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) chain: ChainHead,
    pub(crate) edge: Edge,
}

/// Why the logs cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the logs of the authority cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("the logs of the authority have no head: restore the database from a backup")]
    NoHead,
    #[error(transparent)]
    Damaged(#[from] Damaged),
}
