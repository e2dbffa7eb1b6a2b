//! The transparency log: every certificate issued, in a Merkle tree (RFC 6962 leaves) with signed checkpoints.

mod batch;
mod edge;
mod merkle;
mod record;
mod service;
mod sql;
mod tiles;
mod worker;

#[cfg(test)]
mod tests;

use muster_store::StoreError;

use crate::audit::ChainHead;
use edge::Edge;

pub use merkle::Hash;
pub use record::{Record, Recorded};
pub use service::Log;
pub use tiles::Damaged;

pub(crate) use merkle::sha256;

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

/// How big the tree was and what its root hash was, signed (C2SP tlog-checkpoint).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub size: u64,
    pub root: [u8; 32],
    /// The signed note, as it is published.
    pub note: String,
}

/// That a leaf is in the tree of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    pub index: u64,
    pub size: u64,
    pub path: Vec<[u8; 32]>,
}

/// That the tree of an older checkpoint is the beginning of that of a newer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    pub old_size: u64,
    pub size: u64,
    pub path: Vec<[u8; 32]>,
}
