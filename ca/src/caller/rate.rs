//! How fast a caller may ask: the generic cell rate algorithm, one instant a caller. Pure.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::Rate;

/// Devices of a fleet that ask within the same minutes; an entry is gone when its caller has been quiet.
const CALLERS_MAX: usize = 65_536;

/// When each caller will have used up what it took, if it went on evenly.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    until: HashMap<String, Timestamp>,
}

impl Rates {
    /// Takes one request, or tells how long to wait for the next.
    pub(crate) fn admit(&mut self, caller: &str, rate: Rate, now: Timestamp) -> Result<(), SignedDuration> {
        if self.until.len() >= CALLERS_MAX && !self.until.contains_key(caller) {
            self.until.retain(|_, until| *until > now);
            if self.until.len() >= CALLERS_MAX {
                return Err(SignedDuration::from_secs(1));
            }
        }
        let before = self.until.get(caller).copied().unwrap_or(now);
        let until = next(before, rate, now)?;
        self.until.insert(caller.to_owned(), until);
        Ok(())
    }

    /// How long to wait until one is admitted, if it would not be; takes none.
    pub(crate) fn wait(&self, caller: &str, rate: Rate, now: Timestamp) -> Option<SignedDuration> {
        match self.until.get(caller) {
            Some(before) => next(*before, rate, now).err(),
            None => None,
        }
    }
}

fn next(before: Timestamp, rate: Rate, now: Timestamp) -> Result<Timestamp, SignedDuration> {
    let interval = SignedDuration::from_secs(60) / i32::try_from(rate.per_minute.max(1)).unwrap_or(i32::MAX);
    let burst = interval.saturating_mul(i32::try_from(rate.burst).unwrap_or(i32::MAX));
    // Nobody gets that far ahead: the clock was set back, which must lock nobody out.
    let ahead = before.duration_since(now) > burst;
    let before = if ahead { now } else { before.max(now) };
    let until = before.saturating_add(interval).unwrap_or(before);
    let wait = until.duration_since(now) - burst;
    if wait.is_positive() { Err(wait) } else { Ok(until) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_minute: 60, burst: 3 };

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
    }

    #[test]
    fn a_burst_is_admitted_and_then_one_an_interval() {
        let mut rates = Rates::default();
        for _ in 0..3 {
            assert_eq!(rates.admit("a", RATE, at(0)), Ok(()));
        }
        assert_eq!(rates.admit("a", RATE, at(0)), Err(SignedDuration::from_secs(1)));
        assert_eq!(rates.admit("a", RATE, at(400)), Err(SignedDuration::from_millis(600)));
        assert_eq!(rates.admit("b", RATE, at(400)), Ok(()));
        assert_eq!(rates.admit("a", RATE, at(1000)), Ok(()));
        assert!(rates.admit("a", RATE, at(1001)).is_err());
        for _ in 0..3 {
            assert_eq!(rates.admit("a", RATE, at(60_000)), Ok(()));
        }
    }

    #[test]
    fn over_an_hour_nobody_gets_more_than_the_rate_and_one_burst() {
        let mut rates = Rates::default();
        let admitted = (0..36_000).filter(|n| rates.admit("a", RATE, at(n * 100)).is_ok()).count();
        assert!((3600..=3603).contains(&admitted), "{admitted}");
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let mut rates = Rates::default();
        for _ in 0..3 {
            rates.admit("a", RATE, at(3_600_000)).unwrap();
        }
        assert_eq!(rates.admit("a", RATE, at(0)), Ok(()));
    }

    #[test]
    fn callers_are_bounded_and_the_quiet_ones_are_forgotten_first() {
        let mut rates = Rates::default();
        for n in 0..CALLERS_MAX {
            rates.admit(&n.to_string(), RATE, at(0)).unwrap();
        }
        assert!(rates.admit("one more", RATE, at(0)).is_err());
        assert!(rates.admit("7", RATE, at(0)).is_ok());
        assert!(rates.admit("one more", RATE, at(2000)).is_ok());
        assert_eq!(rates.until.len(), 1);
    }
}
