//! The right edge of the tree: all that it takes to append, and to know the root. Pure.

use super::{
    merkle::{Hash, complete_root, empty_root, join},
    tiles::{Damaged, TILE_WIDTH, TileId, Tiles},
};

/// For each level of tiles the one that is not full yet: 8 KiB a level, and a level for each factor of 256.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

/// A tile that an append changed, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) id: TileId,
    pub(crate) hashes: Vec<Hash>,
}

impl Edge {
    /// The tiles that the edge of a tree of this size consists of.
    pub(crate) fn tiles(size: u64) -> Vec<TileId> {
        widths(size).filter(|(_, width)| *width > 0).map(|(id, _)| id).collect()
    }

    /// The edge again, from those tiles.
    pub(crate) fn restore(size: u64, tiles: &Tiles) -> Result<Self, Damaged> {
        let level = |(id, width)| Ok(tiles.hashes(id).get(..width).ok_or(Damaged(id))?.to_vec());
        Ok(Self { size, levels: widths(size).map(level).collect::<Result<_, _>>()? })
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The tiles that are not full.
    pub(crate) fn partial(&self) -> impl Iterator<Item = (TileId, &[Hash])> {
        let partial = widths(self.size).zip(&self.levels).map(|((id, _), hashes)| (id, hashes.as_slice()));
        partial.filter(|(_, hashes)| !hashes.is_empty())
    }

    /// Adds leaves on the right; tells what is to be written, each tile once.
    pub(crate) fn append(&mut self, leaves: &[Hash]) -> Vec<Changed> {
        let mut full = Vec::new();
        let mut touched = 0;
        for leaf in leaves {
            let mut hash = *leaf;
            // How many hashes the level had before this leaf, as every level above has one for 256 of its.
            let mut before = self.size;
            for level in 0.. {
                if self.levels.len() == level {
                    self.levels.push(Vec::with_capacity(TILE_WIDTH));
                }
                touched = touched.max(level + 1);
                let Some(hashes) = self.levels.get_mut(level) else { break };
                hashes.push(hash);
                if hashes.len() < TILE_WIDTH {
                    break;
                }
                let hashes = std::mem::take(hashes);
                hash = complete_root(&hashes).unwrap_or_default();
                full.push(Changed { id: tile(level, before), hashes });
                before /= TILE_WIDTH as u64;
            }
            self.size += 1;
        }
        let mut counts = std::iter::successors(Some(self.size), |count| Some(count / TILE_WIDTH as u64));
        let edge = self.levels.iter().take(touched).enumerate().filter_map(|(level, hashes)| {
            let count = counts.next()?;
            (!hashes.is_empty()).then(|| Changed { id: tile(level, count), hashes: hashes.clone() })
        });
        full.extend(edge);
        full
    }

    pub(crate) fn root(&self) -> Hash {
        // The roots of all complete subtrees, from left to right: the upper levels are further to the left, and within
        // a level the bits of its width say which there are.
        let mut peaks = Vec::new();
        for hashes in self.levels.iter().rev() {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                let (peak, others) = rest.split_at(1 << rest.len().ilog2());
                peaks.extend(complete_root(peak));
                rest = others;
            }
        }
        join(&peaks).unwrap_or_else(empty_root)
    }
}

/// The tile that the `count`th hash of a level falls into.
fn tile(level: usize, count: u64) -> TileId {
    TileId { level: u8::try_from(level).unwrap_or(u8::MAX), index: count / TILE_WIDTH as u64 }
}

/// The last tile of each level, with its width; 0 when the last one was just filled.
fn widths(size: u64) -> impl Iterator<Item = (TileId, usize)> {
    let counts = std::iter::successors(Some(size), |count| Some(count / TILE_WIDTH as u64));
    counts.take_while(|count| *count > 0).enumerate().map(|(level, count)| {
        (tile(level, count), usize::try_from(count % TILE_WIDTH as u64).unwrap_or_default())
    })
}
