//! The tree against a naive one, and against what other implementations of RFC 6962 are tested with.

use std::{cell::RefCell, collections::HashMap, ops::Range};

use crate::log::{
    edge::Edge,
    merkle::{Hash, empty_root, leaf_hash, node_hash, root_of_inclusion, roots_of_consistency},
    tiles::{Plan, TileId, Tiles},
};

fn hash(hex: &str) -> Hash {
    hex::decode(hex).unwrap().try_into().unwrap()
}

/// RFC 6962 section 2.1 word for word, by ranges of the leaves; it remembers roots, which come again and again.
struct Naive {
    leaves: Vec<Hash>,
    known: RefCell<HashMap<Range<usize>, Hash>>,
}

impl Naive {
    fn new(leaves: Vec<Hash>) -> Self {
        Self { leaves, known: RefCell::default() }
    }

    /// MTH(D[n])
    fn root(&self, tree: Range<usize>) -> Hash {
        if tree.len() < 2 {
            return self.leaves[tree].first().copied().unwrap_or_else(empty_root);
        }
        if let Some(root) = self.known.borrow().get(&tree) {
            return *root;
        }
        let middle = tree.start + largest_power_below(tree.len());
        let root = node_hash(&self.root(tree.start..middle), &self.root(middle..tree.end));
        self.known.borrow_mut().insert(tree, root);
        root
    }

    /// PATH(m, D[n]), section 2.1.1.
    fn path(&self, leaf: usize, tree: Range<usize>) -> Vec<Hash> {
        if tree.len() == 1 {
            return Vec::new();
        }
        let middle = tree.start + largest_power_below(tree.len());
        let (mut path, sibling) = if leaf < middle {
            (self.path(leaf, tree.start..middle), self.root(middle..tree.end))
        } else {
            (self.path(leaf, middle..tree.end), self.root(tree.start..middle))
        };
        path.push(sibling);
        path
    }

    /// SUBPROOF(m, D[n], b), section 2.1.2.
    fn consistency(&self, old: usize, tree: Range<usize>, known: bool) -> Vec<Hash> {
        if old == tree.end {
            return if known { Vec::new() } else { vec![self.root(tree)] };
        }
        let middle = tree.start + largest_power_below(tree.len());
        let (mut path, sibling) = if old <= middle {
            (self.consistency(old, tree.start..middle, known), self.root(middle..tree.end))
        } else {
            (self.consistency(old, middle..tree.end, false), self.root(tree.start..middle))
        };
        path.push(sibling);
        path
    }
}

fn largest_power_below(n: usize) -> usize {
    (0..).map(|power| 1 << power).take_while(|power| *power < n).last().unwrap()
}

/// All small trees, and those around the first full tile.
fn sizes() -> impl Iterator<Item = usize> {
    (1..=70).chain(240..=300)
}

/// What certificate-transparency's own tests put into their trees.
fn known_leaves() -> Vec<Hash> {
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
        .map(|data| leaf_hash(&hex::decode(data).unwrap()))
        .to_vec()
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// What would be stored after these leaves, appended in pieces of `step`.
fn stored(leaves: &[Hash], step: usize) -> (Edge, Tiles) {
    let (mut edge, mut tiles) = (Edge::default(), Tiles::default());
    for piece in leaves.chunks(step) {
        for changed in edge.append(piece) {
            tiles.insert(changed.id, changed.hashes.as_flattened()).unwrap();
        }
    }
    (edge, tiles)
}

fn proof(plan: Option<Plan>, tiles: &Tiles) -> Vec<Hash> {
    plan.unwrap().hashes(tiles).unwrap()
}

#[test]
fn roots_are_those_that_other_implementations_know() {
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    for (size, root) in roots.into_iter().enumerate() {
        assert_eq!(stored(&known_leaves()[..size], 3).0.root(), hash(root), "of {size} leaves");
        assert_eq!(Naive::new(known_leaves()).root(0..size), hash(root), "of {size} leaves, naively");
    }
}

#[test]
fn proofs_are_those_that_other_implementations_know() {
    let leaves = known_leaves();
    let tiles = stored(&leaves, 8).1;
    let naive = Naive::new(leaves.clone());
    let (zero, one, four) = (leaves[0], leaves[1], leaves[4]);
    let (zero_one, lower) = (naive.root(0..2), naive.root(0..4));
    let two_three = hash("5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e");
    let upper = hash("6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4");
    let six_seven = hash("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0");
    let four_five = hash("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a");
    assert_eq!(one, hash("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"));
    assert_eq!(four, hash("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"));
    assert_eq!(proof(Plan::inclusion(0, 1), &tiles), Vec::<Hash>::new());
    assert_eq!(proof(Plan::inclusion(0, 8), &tiles), [one, two_three, upper]);
    assert_eq!(proof(Plan::inclusion(5, 8), &tiles), [four, six_seven, lower]);
    assert_eq!(proof(Plan::inclusion(2, 3), &tiles), [zero_one]);
    assert_eq!(proof(Plan::inclusion(1, 5), &tiles), [zero, two_three, four]);
    assert_eq!(proof(Plan::consistency(1, 8), &tiles), [one, two_three, upper]);
    assert_eq!(proof(Plan::consistency(6, 8), &tiles), [four_five, six_seven, lower]);
    assert_eq!(proof(Plan::consistency(2, 5), &tiles), [two_three, four]);
}

#[test]
fn every_inclusion_proof_is_the_naive_one_and_leads_to_the_root() {
    let naive = Naive::new(leaves(300));
    let tiles = stored(&naive.leaves, 7).1;
    for size in sizes() {
        let root = naive.root(0..size);
        assert_eq!(Plan::root(size as u64).hashes(&tiles).unwrap(), [root]);
        for index in 0..size {
            let path = proof(Plan::inclusion(index as u64, size as u64), &tiles);
            assert_eq!(path, naive.path(index, 0..size), "leaf {index} of {size}");
            let leaf = &naive.leaves[index];
            assert_eq!(root_of_inclusion(leaf, index as u64, size as u64, &path), Some(root));
        }
    }
}

#[test]
fn every_consistency_proof_is_the_naive_one_and_leads_to_both_roots() {
    let naive = Naive::new(leaves(300));
    let tiles = stored(&naive.leaves, 31).1;
    for size in sizes() {
        for old in 1..=size {
            let path = proof(Plan::consistency(old as u64, size as u64), &tiles);
            assert_eq!(path, naive.consistency(old, 0..size, true), "from {old} to {size}");
            let roots = (naive.root(0..old), naive.root(0..size));
            assert_eq!(roots_of_consistency(old as u64, &roots.0, size as u64, &path), Some(roots));
        }
    }
}

#[test]
fn a_proof_with_anything_changed_leads_elsewhere() {
    const SIZE: u64 = 70;
    let naive = Naive::new(leaves(70));
    let tiles = stored(&naive.leaves, 70).1;
    let root = naive.root(0..70);
    for index in 0..SIZE {
        let path = proof(Plan::inclusion(index, SIZE), &tiles);
        let leaf = naive.leaves[index as usize];
        for at in 0..path.len() {
            let mut other = path.clone();
            other[at][0] ^= 1;
            assert_ne!(root_of_inclusion(&leaf, index, SIZE, &other), Some(root));
        }
        let longer = [path.clone(), vec![root]].concat();
        assert_eq!(root_of_inclusion(&leaf, index, SIZE, &longer), None);
        assert_eq!(root_of_inclusion(&leaf, index, SIZE, &path[1..]), None);
        assert_ne!(root_of_inclusion(&leaf, index ^ 1, SIZE, &path), Some(root));
        assert_eq!(root_of_inclusion(&leaf, SIZE, SIZE, &path), None);
    }
    for old in 1..SIZE {
        let old_root = naive.root(0..old as usize);
        let path = proof(Plan::consistency(old, SIZE), &tiles);
        for at in 0..path.len() {
            let mut other = path.clone();
            other[at][31] ^= 0x80;
            assert_ne!(roots_of_consistency(old, &old_root, SIZE, &other), Some((old_root, root)));
        }
        assert_ne!(roots_of_consistency(old, &old_root, SIZE, &path[1..]), Some((old_root, root)));
        let longer = [path, vec![root]].concat();
        assert_eq!(roots_of_consistency(old, &old_root, SIZE, &longer), None);
    }
}

#[test]
fn the_edge_restored_is_the_edge_that_was() {
    let leaves = leaves(70_000);
    let (edge, tiles) = stored(&leaves, 997);
    // C2SP tlog-tiles has this very example: 273 full tiles and a partial one, then 1 and 17, then 1.
    let widths = |(level, index)| tiles.hashes(TileId { level, index }).len();
    assert_eq!([(0, 272), (0, 273), (1, 0), (1, 1), (2, 0), (3, 0)].map(widths), [256, 112, 256, 17, 1, 0]);
    assert_eq!(edge.root(), Naive::new(leaves.clone()).root(0..70_000));
    assert!(Edge::restore(edge.size(), &tiles).unwrap() == edge);
    let (edge, tiles) = stored(&leaves[..65_536], 256);
    assert!(Edge::restore(65_536, &tiles).unwrap() == edge);
    assert_eq!(Edge::tiles(65_536), [TileId { level: 2, index: 0 }]);
    assert!(Edge::restore(70_000, &tiles).is_err());
}

#[test]
fn a_proof_in_a_large_tree_takes_a_few_tiles() {
    const SIZE: u64 = 10_000_000_000;
    for index in [0, 1, 255, 256, 65_535, SIZE / 3, SIZE - 1] {
        let tiles = Plan::inclusion(index, SIZE).unwrap().tiles();
        assert!(tiles.len() <= 10, "{index}: {tiles:?}");
        assert!(Plan::consistency(index + 1, SIZE).unwrap().tiles().len() <= 10);
    }
    assert_eq!(Plan::inclusion(SIZE, SIZE), None);
    assert_eq!(Plan::consistency(0, SIZE), None);
    assert_eq!(Plan::consistency(SIZE + 1, SIZE), None);
}
