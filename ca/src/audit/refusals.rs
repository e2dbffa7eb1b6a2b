//! Refusals that come faster than anybody reads them: the first of its kind is written, those like it are counted. Pure.
//!
//! So a flood costs a bounded number of entries a second, whoever sends it. What is counted but not yet written is lost
//! when the process is killed; that there was such a refusal is not.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{Action, Entry};

/// How long refusals that are the same in all but their time and request are one entry.
pub(crate) const WINDOW: SignedDuration = SignedDuration::from_secs(1);
/// How many kinds are told apart in a window; beyond, they are counted by what was asked for alone. It is what a commit or
/// two write, and a few megabytes.
const KINDS_MAX: usize = 1024;
const OTHERS: &str = "others";
const TOO_MANY: &str = "refusals of too many kinds at once: counted, not told apart";

#[derive(Debug, Default)]
pub(crate) struct Refusals {
    kinds: HashMap<Entry, Counted>,
    /// Those beyond the bound: as many as there are actions, at most.
    others: HashMap<Action, u64>,
}

#[derive(Debug)]
struct Counted {
    since: Timestamp,
    count: u64,
}

impl Refusals {
    /// Takes a refusal; answers what is to be written now, which may be nothing.
    pub(crate) fn admit(&mut self, refusal: Entry, now: Timestamp) -> Vec<Entry> {
        let kind = Entry { request_sha256: None, ..refusal.clone() };
        let mut due = Vec::new();
        if let Some(counted) = self.kinds.get_mut(&kind) {
            if !is_over(counted.since, now) {
                counted.count += refusal.count;
                return due;
            }
            due.extend(summary(&kind, counted.count));
        } else if self.kinds.len() >= KINDS_MAX {
            due = self.due(now);
            if self.kinds.len() >= KINDS_MAX {
                *self.others.entry(refusal.action).or_default() += refusal.count;
                return due;
            }
        }
        self.kinds.insert(kind, Counted { since: now, count: 0 });
        due.push(refusal);
        due
    }

    /// What was counted in windows that are over; they are forgotten.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Entry> {
        self.take(|since| is_over(since, now))
    }

    /// All that was counted, before the end.
    pub(crate) fn all(&mut self) -> Vec<Entry> {
        self.take(|_| true)
    }

    /// Whether anything is counted that is not written.
    pub(crate) fn is_empty(&self) -> bool {
        self.others.is_empty() && self.kinds.values().all(|counted| counted.count == 0)
    }

    fn take(&mut self, is_due: impl Fn(Timestamp) -> bool) -> Vec<Entry> {
        let taken = self.kinds.extract_if(|_, counted| is_due(counted.since));
        let mut due: Vec<_> = taken.filter_map(|(kind, counted)| summary(&kind, counted.count)).collect();
        // They came while all kinds were taken, so they are as old as these are.
        if self.kinds.len() < KINDS_MAX {
            due.extend(self.others.drain().map(|(action, count)| Entry::of_others(action, count)));
        }
        due
    }
}

fn is_over(since: Timestamp, now: Timestamp) -> bool {
    // A clock that was set back must not keep a window open for hours.
    now < since || now.duration_since(since) >= WINDOW
}

fn summary(kind: &Entry, count: u64) -> Option<Entry> {
    (count > 0).then(|| Entry { count, ..kind.clone() })
}

impl Entry {
    fn of_others(action: Action, count: u64) -> Self {
        Self {
            actor: OTHERS.to_owned(),
            credential: String::new(),
            action,
            object: String::new(),
            decision: super::Decision::Refused,
            reason: TOO_MANY.to_owned(),
            request_sha256: None,
            certificate_sha256: None,
            count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Caller, Decision};

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
    }

    fn refusal(object: &str) -> Entry {
        Entry::new(&Caller::process(), Action::CertificateIssue, object, Decision::Refused)
    }

    fn counts(entries: &[Entry]) -> Vec<(&str, u64)> {
        entries.iter().map(|entry| (&*entry.object, entry.count)).collect()
    }

    #[test]
    fn the_first_is_written_and_those_like_it_are_counted_until_the_second_is_over() {
        let mut refusals = Refusals::default();
        let first = Entry { request_sha256: Some([7; 32]), ..refusal("a") };
        assert_eq!(refusals.admit(first.clone(), at(0)), [first]);
        for n in 1..10 {
            assert_eq!(refusals.admit(refusal("a"), at(n * 100)), []);
        }
        assert_eq!(counts(&refusals.admit(refusal("b"), at(950))), [("b", 1)]);
        assert_eq!(counts(&refusals.due(at(999))), []);
        assert!(!refusals.is_empty());
        assert_eq!(counts(&refusals.due(at(1000))), [("a", 9)]);
        assert!(refusals.is_empty());
    }

    #[test]
    fn the_next_second_begins_with_the_count_of_the_last() {
        let mut refusals = Refusals::default();
        refusals.admit(refusal("a"), at(0));
        refusals.admit(refusal("a"), at(1));
        refusals.admit(refusal("a"), at(2));
        assert_eq!(counts(&refusals.admit(refusal("a"), at(1000))), [("a", 2), ("a", 1)]);
        assert_eq!(counts(&refusals.admit(refusal("a"), at(1001))), []);
        assert_eq!(counts(&refusals.all()), [("a", 1)]);
    }

    #[test]
    fn a_flood_of_ever_new_kinds_is_a_bounded_number_of_entries() {
        const FLOOD: usize = 50_000;
        let mut refusals = Refusals::default();
        let mut written = 0;
        for n in 0..FLOOD {
            written += refusals.admit(refusal(&n.to_string()), at(10)).len();
        }
        assert_eq!((written, refusals.kinds.len()), (KINDS_MAX, KINDS_MAX));
        let due = refusals.due(at(1010));
        assert_eq!(counts(&due), [("", (FLOOD - KINDS_MAX) as u64)]);
        assert_eq!((&*due[0].actor, due[0].action), (OTHERS, Action::CertificateIssue));
        assert_eq!(refusals.admit(refusal("new"), at(1010)).len(), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_silence_anything() {
        let mut refusals = Refusals::default();
        refusals.admit(refusal("a"), at(3_600_000));
        assert_eq!(refusals.admit(refusal("a"), at(0)).len(), 1);
    }
}
