//! The transparency log: every certificate issued, in a Merkle tree (RFC 6962 leaves) with signed checkpoints.

mod edge;
mod merkle;
mod record;
mod service;
mod tiles;

#[cfg(test)]
mod tests;

pub(crate) use record::{Record, Recorded};
pub(crate) use service::Log;

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
