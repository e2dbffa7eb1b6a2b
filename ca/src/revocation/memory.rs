//! All that is revoked, as it is asked for: exact, and small enough for millions. Pure.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::{Reason, Revocation};
use crate::{hierarchy::AuthorityId, issuance::Holder};

/// The generation of a holder of whom nothing was revoked yet.
const FIRST_GENERATION: &str = "1";
/// The reason's code is below 16.
const REASON_BITS: u32 = 4;

#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Their serials are random: they spread by themselves, and nobody chooses them.
    serials: BTreeMap<AuthorityId, HashMap<[u8; 16], Mark>>,
    /// Of each holder every time that all of it was revoked, in order.
    holders: HashMap<Box<str>, Vec<Cut>>,
    authorities: BTreeMap<AuthorityId, Revocation>,
    /// Holders that get nothing more.
    bars: HashMap<Box<str>, Mark>,
}

/// All generations of a holder before this point are revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) mark: Mark,
    /// The generation that begins here: random, so that nobody used it before. In certificates as hex.
    pub(super) next: [u8; 16],
}

/// A revocation in eight bytes: microseconds since 1970, and the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark([u8; 8]);

impl From<Revocation> for Mark {
    fn from(revocation: Revocation) -> Self {
        // The year 9999 is 58 bits.
        let at = revocation.at.as_microsecond() << REASON_BITS;
        Self((at | i64::from(revocation.reason.code())).to_le_bytes())
    }
}

impl From<Mark> for Revocation {
    fn from(mark: Mark) -> Self {
        let both = i64::from_le_bytes(mark.0);
        let at = Timestamp::from_microsecond(both >> REASON_BITS).unwrap_or(Timestamp::MIN);
        let reason = Reason::of_code(both & ((1 << REASON_BITS) - 1)).unwrap_or(Reason::Unspecified);
        Self { reason, at }
    }
}

impl Memory {
    /// Revoked itself, or with its holder's generation.
    pub(super) fn certificate(
        &self,
        authority: &AuthorityId,
        serial: &[u8; 16],
        holder: Option<&Holder>,
    ) -> Option<Revocation> {
        self.serial(authority, serial).or_else(|| self.holder(holder?))
    }

    pub(super) fn serial(&self, authority: &AuthorityId, serial: &[u8; 16]) -> Option<Revocation> {
        self.serials.get(authority)?.get(serial).copied().map(Revocation::from)
    }

    /// Whichever authority it is of: they are random, so it is of one.
    pub(super) fn serial_of_any(&self, serial: &[u8; 16]) -> Option<Revocation> {
        self.serials.values().find_map(|serials| serials.get(serial)).copied().map(Revocation::from)
    }

    /// The first time that this generation was revoked. A generation that is not from here is older than any of ours.
    pub(super) fn holder(&self, holder: &Holder) -> Option<Revocation> {
        let cuts = self.holders.get(holder.name.as_str())?;
        let mut generation = [0; 16];
        let known = hex::decode_to_slice(&holder.generation, &mut generation).is_ok();
        let begins = cuts.iter().position(|cut| known && cut.next == generation);
        cuts.get(begins.map_or(0, |begins| begins + 1)).map(|cut| cut.mark.into())
    }

    pub(super) fn authority(&self, id: &AuthorityId) -> Option<Revocation> {
        self.authorities.get(id).copied()
    }

    pub(super) fn bar(&self, holder: &str) -> Option<Revocation> {
        self.bars.get(holder).copied().map(Revocation::from)
    }

    pub(super) fn barred(&self) -> Vec<String> {
        self.bars.keys().map(|name| name.to_string()).collect()
    }

    /// Whether there is any, so that nobody need look for them.
    pub(super) fn has_authorities(&self) -> bool {
        !self.authorities.is_empty()
    }

    /// How often all of a holder was revoked, and the last time.
    pub(super) fn last_cut(&self, holder: &str) -> Option<(usize, Cut)> {
        let cuts = self.holders.get(holder)?;
        cuts.last().map(|last| (cuts.len(), *last))
    }

    /// What new certificates of this holder are to carry.
    pub(super) fn generation(&self, holder: &str) -> String {
        match self.last_cut(holder) {
            Some((_, cut)) => hex::encode(cut.next),
            None => FIRST_GENERATION.to_owned(),
        }
    }

    /// Room for a page, so that a million take no more than they need.
    pub(super) fn reserve(&mut self, authority: &AuthorityId, serials: usize) {
        self.serials.entry(authority.clone()).or_default().reserve(serials);
    }

    /// Tells whether that is news, as the other two do: what is known stays, unless its reason gives way.
    pub(super) fn put_serial(
        &mut self,
        authority: &AuthorityId,
        serial: [u8; 16],
        revocation: Revocation,
    ) -> bool {
        let is_news = is_news(self.serial(authority, &serial), revocation);
        if is_news {
            match self.serials.get_mut(authority) {
                Some(serials) => serials.insert(serial, revocation.into()),
                None => self.serials.entry(authority.clone()).or_default().insert(serial, revocation.into()),
            };
        }
        is_news
    }

    /// `number` counts the cuts of a holder, from 1; who knows the next one knows those before.
    pub(super) fn put_cut(&mut self, holder: &str, number: usize, cut: Cut) -> bool {
        let cuts = match self.holders.get_mut(holder) {
            Some(cuts) => cuts,
            None => self.holders.entry(holder.into()).or_default(),
        };
        match number.checked_sub(1).and_then(|at| cuts.get_mut(at)) {
            Some(known) => {
                let is_news = is_news(Some(known.mark.into()), cut.mark.into());
                if is_news {
                    *known = cut;
                }
                is_news
            }
            None => {
                cuts.push(cut);
                true
            }
        }
    }

    pub(super) fn put_authority(&mut self, id: &AuthorityId, revocation: Revocation) -> bool {
        let is_news = is_news(self.authority(id), revocation);
        if is_news {
            self.authorities.insert(id.clone(), revocation);
        }
        is_news
    }

    pub(super) fn put_bar(&mut self, holder: &str, bar: Revocation) {
        if is_news(self.bar(holder), bar) {
            self.bars.insert(holder.into(), bar.into());
        }
    }

    pub(super) fn remove_bar(&mut self, holder: &str) {
        self.bars.remove(holder);
    }
}

/// What was read before somebody changed the reason may be put after it.
fn is_news(known: Option<Revocation>, revocation: Revocation) -> bool {
    known.is_none_or(|known| known.reason.gives_way_to(revocation.reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reason: Reason, at_us: i64) -> Revocation {
        Revocation { reason, at: Timestamp::from_microsecond(at_us).unwrap() }
    }

    fn holder(generation: &str) -> Holder {
        Holder { name: "pump-1".to_owned(), generation: generation.to_owned() }
    }

    #[test]
    fn a_mark_keeps_reason_and_microsecond() {
        for reason in Reason::ALL {
            for at in [-1, 0, 1, 1_795_000_000_123_456, 253_402_207_200_000_000] {
                assert_eq!(Revocation::from(Mark::from(of(reason, at))), of(reason, at));
            }
        }
    }

    #[test]
    fn each_generation_is_revoked_by_the_first_cut_after_it() {
        let mut memory = Memory::default();
        assert_eq!(memory.generation("pump-1"), "1");
        assert_eq!(memory.holder(&holder("1")), None);
        let (first, second) = (of(Reason::KeyCompromise, 10), of(Reason::Superseded, 20));
        assert!(memory.put_cut("pump-1", 1, Cut { mark: first.into(), next: [1; 16] }));
        assert!(memory.put_cut("pump-1", 2, Cut { mark: second.into(), next: [2; 16] }));
        assert!(!memory.put_cut("pump-1", 1, Cut { mark: first.into(), next: [1; 16] }));
        let [one, two] = [1_u8, 2].map(|byte| hex::encode([byte; 16]));
        for old in ["1", "g1", "", &hex::encode([7; 16])] {
            assert_eq!(memory.holder(&holder(old)), Some(first), "{old}");
        }
        assert_eq!(memory.holder(&holder(&one)), Some(second));
        assert_eq!(memory.holder(&holder(&two)), None);
        assert_eq!(memory.generation("pump-1"), two);
        assert_eq!(memory.generation("pump-2"), "1");
    }

    #[test]
    fn a_serial_is_one_of_its_authority_only() {
        let (mut memory, issuing) = (Memory::default(), AuthorityId::issuing());
        let revocation = of(Reason::Superseded, 5);
        assert!(memory.put_serial(&issuing, [9; 16], revocation));
        assert_eq!(memory.serial(&issuing, &[9; 16]), Some(revocation));
        assert_eq!(memory.serial(&issuing, &[8; 16]), None);
        assert_eq!(memory.serial(&AuthorityId::root(), &[9; 16]), None);
    }

    #[test]
    fn what_comes_late_changes_nothing_that_is_known_better() {
        let (mut memory, id) = (Memory::default(), AuthorityId::issuing());
        let [none, better] = [Reason::Unspecified, Reason::KeyCompromise].map(|reason| of(reason, 5));
        for (revocation, is_news) in [(none, true), (none, false), (better, true), (none, false)] {
            let cut = Cut { mark: revocation.into(), next: [1; 16] };
            assert_eq!(memory.put_serial(&id, [9; 16], revocation), is_news);
            assert_eq!(memory.put_cut("pump-1", 1, cut), is_news);
            assert_eq!(memory.put_authority(&id, revocation), is_news);
        }
        assert_eq!(memory.serial(&id, &[9; 16]), Some(better));
        assert_eq!(memory.holder(&holder("1")), Some(better));
        assert_eq!(memory.authority(&id), Some(better));
    }
}
