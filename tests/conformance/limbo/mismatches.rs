//! What the validator gets wrong, by the file that says why, and by trying.

#![expect(clippy::expect_used, reason = "a test without its list is no test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use muster_x509::Rules;
use serde::Deserialize;

use crate::suite::{Case, Expected, Outcome};

/// One case under one set of rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mismatch {
    pub(crate) id: String,
    pub(crate) under: Under,
    pub(crate) wrongly: Wrongly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Under {
    Field,
    Rfc5280,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Wrongly {
    Accepted,
    Refused,
}

#[derive(Deserialize)]
struct File {
    because: Vec<Because>,
}

/// Several cases often have one reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Because {
    why: String,
    under: Vec<Under>,
    wrongly: Wrongly,
    cases: Vec<String>,
}

/// How one group of cases went.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) right: usize,
    pub(crate) accepted: usize,
    pub(crate) refused: usize,
    pub(crate) longest: Duration,
}

/// The mismatches that are known, each with its reason.
pub(crate) fn known() -> BTreeSet<Mismatch> {
    let file: File = toml::from_str(include_str!("mismatches.toml")).expect("the file is as described in it");
    let mut known = BTreeSet::new();
    for because in file.because {
        assert!(because.why.len() > 20, "`{}` is no reason", because.why);
        for id in &because.cases {
            for under in &because.under {
                let new = known.insert(Mismatch { id: id.clone(), under: *under, wrongly: because.wrongly });
                assert!(new, "`{id}` stands twice in mismatches.toml");
            }
        }
    }
    known
}

impl Under {
    pub(crate) const ALL: [Self; 2] = [Self::Field, Self::Rfc5280];

    pub(crate) fn rules(self) -> Rules {
        match self {
            Self::Field => Rules::Field,
            Self::Rfc5280 => Rules::Rfc5280,
        }
    }
}

impl Wrongly {
    pub(crate) fn judged(case: &Case, outcome: &Outcome) -> Option<Self> {
        match (case.expected_result, &outcome.verdict) {
            (Expected::Failure, Ok(())) => Some(Self::Accepted),
            (Expected::Success, Err(_)) => Some(Self::Refused),
            (Expected::Success, Ok(())) | (Expected::Failure, Err(_)) => None,
        }
    }
}

impl Figures {
    pub(crate) fn count(&mut self, wrongly: Option<Wrongly>, taken: Duration) {
        self.longest = self.longest.max(taken);
        match wrongly {
            None => self.right += 1,
            Some(Wrongly::Accepted) => self.accepted += 1,
            Some(Wrongly::Refused) => self.refused += 1,
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cases = self.right + self.accepted + self.refused;
        write!(
            f,
            "{cases:>5} cases: {:>5} right, {:>3} wrongly accepted, {:>3} wrongly refused, longest {:>5.1} ms",
            self.right,
            self.accepted,
            self.refused,
            self.longest.as_secs_f64() * 1000.0
        )
    }
}

/// Both sides of the comparison, when they differ.
pub(crate) fn difference(known: &BTreeSet<Mismatch>, found: &BTreeMap<Mismatch, String>) -> Vec<String> {
    let new = found
        .iter()
        .filter(|(mismatch, _)| !known.contains(mismatch))
        .map(|(mismatch, said)| format!("new: {mismatch:?}: {said}"));
    let vanished = known
        .iter()
        .filter(|mismatch| !found.contains_key(mismatch))
        .map(|mismatch| format!("right now, take it out: {mismatch:?}"));
    new.chain(vanished).collect()
}
