//! Answers that are given again. Pure.
//!
//! Each is only given again if what it says is still so: a revocation needs to tell nobody here.

use std::{collections::HashMap, sync::Arc};

use axum::body::Bytes;
use jiff::Timestamp;

use crate::{hierarchy::AuthorityId, issuance::Holder, public::Tag, revocation::Revocation};

/// Two generations of so many, 1.2 KB each: 40 MB. Those who come back soon find theirs; the rest costs a signature.
const GENERATION_MAX: usize = 16_384;

#[derive(Default)]
pub(super) struct Cache {
    young: HashMap<Box<[u8]>, Arc<Kept>>,
    old: HashMap<Box<[u8]>, Arc<Kept>>,
}

/// A certificate that was issued here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) authority: AuthorityId,
    pub(super) serial: [u8; 16],
    pub(super) holder: Option<Holder>,
}

/// An answer, and what it says of whom.
pub(super) struct Kept {
    pub(super) der: Bytes,
    pub(super) tag: Tag,
    pub(super) made: Timestamp,
    pub(super) subject: Subject,
    pub(super) said: Option<Revocation>,
}

impl Cache {
    pub(super) fn get(&self, asked: &[u8]) -> Option<Arc<Kept>> {
        self.young.get(asked).or_else(|| self.old.get(asked)).cloned()
    }

    /// In place of the least recent ones, when there are too many.
    pub(super) fn put(&mut self, asked: &[u8], kept: Arc<Kept>) {
        if self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(asked.into(), kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workshop::now;

    #[test]
    fn it_holds_two_generations_and_forgets_the_older() {
        let subject = Subject { authority: AuthorityId::issuing(), serial: [1; 16], holder: None };
        let der = Bytes::from_static(b"answer");
        let tag = Tag::new(&der, now());
        let kept = Arc::new(Kept { der, tag, made: now(), subject, said: None });
        let mut cache = Cache::default();
        let asked = |n: usize| n.to_be_bytes();
        (0..2 * GENERATION_MAX + 1).for_each(|n| cache.put(&asked(n), kept.clone()));
        assert!(cache.young.len() + cache.old.len() <= 2 * GENERATION_MAX);
        assert!(cache.get(&asked(0)).is_none());
        assert!(
            cache.get(&asked(GENERATION_MAX)).is_some() && cache.get(&asked(2 * GENERATION_MAX)).is_some()
        );
    }
}
