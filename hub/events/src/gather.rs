//! How many callers the next commit waits for.
//!
//! Callers that are answered mostly come back at once, while those who came during the commit are waiting already. Starting
//! with the latter only would divide the callers into two halves that take turns, each paying for whole commits. So the
//! writer waits a moment for the others, and learns to leave it when they do not come.

use std::time::Duration;

/// A fraction of what a commit takes on a good disk.
pub(crate) const GATHER_MAX: Duration = Duration::from_micros(300);

/// Waiting in vain is tried again after at most this many commits.
const SKIP_MAX: u32 = 64;

#[derive(Debug, Default)]
pub(crate) struct Gather {
    answered: usize,
    /// Commits to go without waiting.
    skip: u32,
    /// How many the next disappointment costs.
    penalty: u32,
}

impl Gather {
    /// So many had been answered with the last commit.
    pub(crate) fn answered(&mut self, callers: usize) {
        self.answered = callers;
        self.skip = self.skip.saturating_sub(1);
    }

    /// How many callers are worth a moment's wait, with so many there.
    pub(crate) fn expected(&self, queued: usize) -> usize {
        if self.skip > 0 { queued } else { queued.max(self.answered) }
    }

    /// Whether it was.
    pub(crate) fn waited(&mut self, in_vain: bool) {
        if in_vain {
            self.penalty = (self.penalty * 2).clamp(1, SKIP_MAX);
            self.skip = self.penalty;
        } else {
            self.penalty = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_were_answered_are_waited_for() {
        let mut gather = Gather::default();
        assert_eq!(gather.expected(1), 1);
        gather.answered(50);
        assert_eq!(gather.expected(3), 50);
    }

    #[test]
    fn a_wait_in_vain_is_repeated_ever_more_rarely() {
        let mut gather = Gather::default();
        let mut waits = Vec::new();
        for commit in 0..300 {
            gather.answered(2);
            if gather.expected(1) == 2 {
                gather.waited(true);
                waits.push(commit);
            }
        }
        assert_eq!(waits, [0, 1, 3, 7, 15, 31, 63, 127, 191, 255]);
    }

    #[test]
    fn one_success_restores_trust() {
        let mut gather = Gather::default();
        for _ in 0..3 {
            gather.waited(true);
        }
        while gather.expected(1) == 1 {
            gather.answered(2);
        }
        gather.waited(false);
        gather.waited(true);
        gather.answered(2);
        assert_eq!(gather.expected(1), 2);
    }
}
