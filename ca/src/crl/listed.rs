//! What is on the CRLs: every certificate that is revoked, by shard and in order. Pure.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::KEPT_AFTER_END;
use crate::{
    hierarchy::{Authority, AuthorityId},
    revocation::{Mark, Revocation},
};

/// By authority, then by shard; then by serial, so that a list is the same however it came to be.
#[derive(Default)]
pub(super) struct Listed(HashMap<AuthorityId, Vec<BTreeMap<[u8; 16], Fact>>>);

/// Small, for there may be a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fact {
    mark: Mark,
    not_after_s: i64,
}

/// A certificate that is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'l> {
    pub(super) serial: &'l [u8; 16],
    pub(super) revocation: Revocation,
}

/// A list of an authority.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) authority: AuthorityId,
    pub(super) shard: u16,
}

impl Listed {
    /// Tells on which list, when it is news there.
    pub(super) fn put(
        &mut self,
        authority: &Authority,
        serial: [u8; 16],
        revocation: Revocation,
        not_after: Timestamp,
    ) -> Option<Place> {
        let shard = authority.shard_of(&serial);
        let shards = self.0.entry(authority.id.clone()).or_default();
        let wanted = usize::from(authority.crl_shards.max(1));
        if shards.len() < wanted {
            shards.resize_with(wanted, BTreeMap::new);
        }
        let fact = Fact { mark: revocation.into(), not_after_s: not_after.as_second() };
        let known = shards.get_mut(usize::from(shard))?.insert(serial, fact);
        (known != Some(fact)).then(|| Place { authority: authority.id.clone(), shard })
    }

    /// What is on a list that is made at this time.
    pub(super) fn entries(&self, place: &Place, at: Timestamp) -> impl Iterator<Item = Entry<'_>> {
        let list = self.0.get(&place.authority).and_then(|shards| shards.get(usize::from(place.shard)));
        // A certificate that ended long ago needs no list to be refused.
        let ended_s = at.as_second().saturating_sub(KEPT_AFTER_END.as_secs());
        list.into_iter()
            .flatten()
            .filter(move |(_, fact)| fact.not_after_s >= ended_s)
            .map(|(serial, fact)| Entry { serial, revocation: fact.mark.into() })
    }

    /// Forgets what ended so long before that no list will have it again.
    pub(super) fn forget_ended(&mut self, place: &Place, at: Timestamp) {
        let shards = self.0.get_mut(&place.authority);
        if let Some(list) = shards.and_then(|shards| shards.get_mut(usize::from(place.shard))) {
            // Twice as long as it is listed: clocks go back a little, and lists on record are made again at a start.
            let ended_s = at.as_second().saturating_sub(2 * KEPT_AFTER_END.as_secs());
            list.retain(|_, fact| fact.not_after_s >= ended_s);
        }
    }
}
