//! A map of bounded size: what was written longest ago makes room.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

pub(crate) struct Recent<K, V> {
    max: usize,
    values: HashMap<K, (u64, V)>,
    /// Every write; an older write of a key that was written again is skipped when its turn comes.
    order: VecDeque<(u64, K)>,
    writes: u64,
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, values: HashMap::new(), order: VecDeque::new(), writes: 0 }
    }

    pub(crate) fn find<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.values.get(key).map(|(_, value)| value)
    }

    pub(crate) fn write(&mut self, key: K, value: V) {
        self.writes += 1;
        self.order.push_back((self.writes, key.clone()));
        self.values.insert(key, (self.writes, value));
        // twice: rewritten keys leave stale entries behind, which are as bounded as the values
        while self.values.len() > self.max || self.order.len() > self.max * 2 {
            let Some((written, oldest)) = self.order.pop_front() else { break };
            match self.values.get(&oldest) {
                Some((last, _)) if *last == written => {
                    self.values.remove(&oldest);
                }
                Some(_) | None => {}
            }
        }
    }

    pub(crate) fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.values.remove(key).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room() {
        let mut recent = Recent::new(2);
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            recent.write(key, value);
        }
        assert_eq!((recent.find("a"), recent.find("b"), recent.find("c")), (Some(&3), None, Some(&4)));
    }

    #[test]
    fn rewriting_one_key_for_ever_takes_no_memory() {
        let mut recent = Recent::new(2);
        for value in 0..1_000 {
            recent.write("a", value);
        }
        assert!(recent.order.len() <= 4);
        assert_eq!(recent.find("a"), Some(&999));
    }

    #[test]
    fn what_was_removed_stays_away() {
        let mut recent = Recent::new(2);
        recent.write("a", 1);
        assert_eq!(recent.remove("a"), Some(1));
        assert_eq!(recent.find("a"), None);
    }
}
