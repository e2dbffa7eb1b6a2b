//! A map of bounded weight: what was written longest ago makes room.

use std::{
    borrow::Borrow,
    collections::{HashMap, VecDeque},
    hash::Hash,
};

pub(crate) struct Recent<K, V> {
    max: usize,
    weight: usize,
    entries: HashMap<K, Entry<V>>,
    /// Every write; one that was followed by another of the same key is skipped when its turn comes.
    order: VecDeque<(u64, K)>,
    writes: u64,
}

struct Entry<V> {
    write: u64,
    weight: usize,
    value: V,
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, weight: 0, entries: HashMap::new(), order: VecDeque::new(), writes: 0 }
    }

    pub(crate) fn find<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key).map(|entry| &entry.value)
    }

    pub(crate) fn write(&mut self, key: K, value: V, weight: usize) {
        self.remove(&key);
        self.writes += 1;
        self.weight += weight;
        self.order.push_back((self.writes, key.clone()));
        self.entries.insert(key, Entry { write: self.writes, weight, value });
        // stale entries of `order` may be as many as live ones, not more
        while self.weight > self.max || self.order.len() > 2 * self.entries.len() + 1 {
            let Some((write, oldest)) = self.order.pop_front() else { break };
            match self.entries.get(&oldest) {
                Some(entry) if entry.write == write && self.weight > self.max => {
                    self.remove(&oldest);
                }
                Some(entry) if entry.write == write => self.order.push_back((write, oldest)),
                Some(_) | None => {}
            }
        }
    }

    pub(crate) fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let entry = self.entries.remove(key)?;
        self.weight -= entry.weight;
        Some(entry.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let mut recent = Recent::new(2);
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            recent.write(key, value, 1);
        }
        assert_eq!((recent.find("a"), recent.find("b"), recent.find("c")), (Some(&3), None, Some(&4)));
    }

    #[test]
    fn a_heavy_one_takes_the_room_of_several() {
        let mut recent = Recent::new(10);
        for key in ["a", "b", "c"] {
            recent.write(key, (), 3);
        }
        recent.write("d", (), 7);
        let left: Vec<_> =
            ["a", "b", "c", "d"].into_iter().filter(|key| recent.find(key).is_some()).collect();
        assert_eq!(left, ["c", "d"]);
    }

    #[test]
    fn rewriting_one_key_for_ever_takes_no_memory() {
        let mut recent = Recent::new(100);
        recent.write("b", 0, 1);
        for value in 0..1_000 {
            recent.write("a", value, 1);
        }
        assert!(recent.order.len() <= 5, "{}", recent.order.len());
        assert_eq!((recent.find("a"), recent.find("b")), (Some(&999), Some(&0)));
    }

    #[test]
    fn what_was_removed_stays_away() {
        let mut recent = Recent::new(2);
        recent.write("a", 1, 1);
        assert_eq!(recent.remove("a"), Some(1));
        assert_eq!(recent.find("a"), None);
        assert_eq!(recent.weight, 0);
    }
}
