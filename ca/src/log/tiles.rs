//! The tree as it is kept: tiles of 256 hashes, every eighth level, as C2SP tlog-tiles has them. Pure.

use std::{collections::BTreeMap, ops::Range};

use super::merkle::{Hash, Subtree, complete_root, consistency_ranges, cover, inclusion_ranges, join};

/// Levels of the tree between one level of tiles and the next: those in between are hashed again when asked for, which
/// takes 255 hashes at most, and a million leaves are 3,922 rows.
const TILE_HEIGHT: u8 = 8;
/// How many hashes a full tile holds.
pub(crate) const TILE_WIDTH: usize = 1 << TILE_HEIGHT;
const HASH_BYTES: usize = size_of::<Hash>();

/// Its hashes are the roots of `256 ^ level` leaves each, from the `256 * index`th on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TileId {
    pub(crate) level: u8,
    pub(crate) index: u64,
}

/// Some tiles, read for a proof. One that was read may be wider than the tree that is proved: tiles only grow.
#[derive(Debug, Default)]
pub(crate) struct Tiles(BTreeMap<TileId, Vec<Hash>>);

/// A tile that is shorter than the tree it is of, or is not there at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("tile {index} of level {level} of the transparency log is damaged: restore the database from a backup", level = .0.level, index = .0.index)]
pub struct Damaged(pub(crate) TileId);

/// Ranges of leaves whose roots make up a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan(Vec<Range<u64>>);

impl Plan {
    pub(crate) fn inclusion(index: u64, size: u64) -> Option<Self> {
        inclusion_ranges(index, size).map(Self)
    }

    pub(crate) fn consistency(old: u64, size: u64) -> Option<Self> {
        consistency_ranges(old, size).map(Self)
    }

    #[cfg(test)]
    pub(crate) fn root(size: u64) -> Self {
        Self((size > 0).then_some(0..size).into_iter().collect())
    }

    /// The tiles that it takes; a few for each level of tiles.
    pub(crate) fn tiles(&self) -> Vec<TileId> {
        let mut tiles: Vec<_> =
            self.0.iter().cloned().flat_map(cover).map(|subtree| place(subtree).0).collect();
        tiles.sort_unstable();
        tiles.dedup();
        tiles
    }

    /// The proof.
    pub(crate) fn hashes(&self, tiles: &Tiles) -> Result<Vec<Hash>, Damaged> {
        self.0.iter().map(|range| tiles.root(range.clone())).collect()
    }
}

impl Tiles {
    /// Takes a tile as it is stored.
    pub(crate) fn insert(&mut self, id: TileId, bytes: &[u8]) -> Result<(), Damaged> {
        self.0.insert(id, hashes(bytes).ok_or(Damaged(id))?);
        Ok(())
    }

    pub(crate) fn hashes(&self, id: TileId) -> &[Hash] {
        self.0.get(&id).map_or(&[], Vec::as_slice)
    }

    fn root(&self, range: Range<u64>) -> Result<Hash, Damaged> {
        let mut roots = Vec::new();
        let mut first = TileId { level: 0, index: 0 };
        for subtree in cover(range) {
            let (id, within) = place(subtree);
            let slice = self.hashes(id).get(within).ok_or(Damaged(id))?;
            roots.push(complete_root(slice).ok_or(Damaged(id))?);
            first = id;
        }
        join(&roots).ok_or(Damaged(first))
    }
}

/// The tile that has the hashes below a complete subtree, and where they are in it.
fn place(subtree: Subtree) -> (TileId, Range<usize>) {
    let (level, below) = (subtree.level / TILE_HEIGHT, subtree.level % TILE_HEIGHT);
    let first = subtree.index << below;
    let width = TILE_WIDTH as u64;
    let start = usize::try_from(first % width).unwrap_or_default();
    (TileId { level, index: first / width }, start..start + (1 << below))
}

pub(super) fn hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    (rest.is_empty() && hashes.len() <= TILE_WIDTH).then(|| hashes.to_vec())
}
