//! The Merkle tree of RFC 6962 section 2.1: hashes, and what proofs are made of and checked by. Pure.
//!
//! A tree is never built here. A proof is a list of ranges of leaves, each the root of a subtree; whoever has hashes
//! for the ranges has the proof.

use std::ops::Range;

use aws_lc_rs::digest::{Context, SHA256};

/// SHA-256.
pub type Hash = [u8; 32];

/// Set apart, so that no node passes for a leaf (RFC 6962 section 2.1).
const LEAF: &[u8] = &[0];
const NODE: &[u8] = &[1];

/// The hash of a certificate as a leaf: of its DER, without the envelope that public logs put around it.
pub(crate) fn leaf_hash(der: &[u8]) -> Hash {
    sha256(&[LEAF, der])
}

pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[NODE, left, right])
}

/// The root of a tree without leaves.
pub(crate) fn empty_root() -> Hash {
    sha256(&[])
}

pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = Hash::default();
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// A complete subtree: the leaves `index << level .. (index + 1) << level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subtree {
    pub(crate) level: u8,
    pub(crate) index: u64,
}

/// The complete subtrees that a range of a proof consists of, from left to right and so from large to small.
pub(crate) fn cover(range: Range<u64>) -> Vec<Subtree> {
    let mut found = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let level = (range.end - start).ilog2();
        found.push(Subtree { level: u8::try_from(level).unwrap_or(u8::MAX), index: start >> level });
        start += 1 << level;
    }
    found
}

/// The root over the roots of [`cover`]: the small ones on the right are joined first.
pub(crate) fn join(roots: &[Hash]) -> Option<Hash> {
    let (last, others) = roots.split_last()?;
    Some(others.iter().rev().fold(*last, |right, left| node_hash(left, &right)))
}

/// The root over hashes of one level, a power of two of them.
pub(crate) fn complete_root(hashes: &[Hash]) -> Option<Hash> {
    match hashes {
        [] => None,
        [one] => Some(*one),
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            Some(node_hash(&complete_root(left)?, &complete_root(right)?))
        }
    }
}

/// PATH(m, D[n]) of RFC 6962 section 2.1.1, as ranges, from the leaf's sibling up.
pub(crate) fn inclusion_ranges(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let mut tree = 0..size;
    let mut path = Vec::new();
    while tree.end - tree.start > 1 {
        let middle = tree.start + split(tree.end - tree.start);
        if index < middle {
            path.push(middle..tree.end);
            tree.end = middle;
        } else {
            path.push(tree.start..middle);
            tree.start = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// PROOF(m, D[n]) of RFC 6962 section 2.1.2, as ranges. There is none from an empty tree, nor any need of one.
pub(crate) fn consistency_ranges(old: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if old == 0 || old > size {
        return None;
    }
    let mut tree = 0..size;
    let mut path = Vec::new();
    // The root of the old tree is known to the verifier, unless it is not a root in the new one.
    let mut known = true;
    while old != tree.end {
        let middle = tree.start + split(tree.end - tree.start);
        if old <= middle {
            path.push(middle..tree.end);
            tree.end = middle;
        } else {
            path.push(tree.start..middle);
            tree.start = middle;
            known = false;
        }
    }
    if !known {
        path.push(tree);
    }
    path.reverse();
    Some(path)
}

/// The largest power of two below `leaves`, which are more than one.
fn split(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The root that a path leads to (RFC 9162 section 2.1.3.2); none when the path does not fit.
pub(crate) fn root_of_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut root = *leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            root = node_hash(sibling, &root);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            root = node_hash(&root, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    (last == 0).then_some(root)
}

/// The roots, old and new, that a path leads to (RFC 9162 section 2.1.4.2); none when the path does not fit.
pub(crate) fn roots_of_consistency(
    old: u64,
    old_root: &Hash,
    size: u64,
    path: &[Hash],
) -> Option<(Hash, Hash)> {
    if old == 0 || old >= size {
        return (old == size && path.is_empty()).then_some((*old_root, *old_root));
    }
    // An old tree that is complete is itself a node of the new one.
    let (seed, rest) = if old.is_power_of_two() { (old_root, path) } else { path.split_first()? };
    let (mut node, mut last) = (old - 1, size - 1);
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    let (mut old_side, mut new_side) = (*seed, *seed);
    for sibling in rest {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            old_side = node_hash(sibling, &old_side);
            new_side = node_hash(sibling, &new_side);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new_side = node_hash(&new_side, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    (last == 0).then_some((old_side, new_side))
}
