//! Token buckets. No clock: who asks says what time it is.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::limits::Rate;

/// One message in the unit of a bucket, so that slow rates fill by parts.
const ONE: u64 = 1_000_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// `None`: never used, which is full.
    filled: Option<Filled>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Filled {
    millionths: u64,
    at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    Exceeded,
}

/// One bucket for a whole hub. Without a rate it costs nothing.
pub(crate) struct Quota {
    /// As the operator reads it.
    pub(crate) name: &'static str,
    rate: Option<Rate>,
    bucket: Mutex<Bucket>,
}

impl Quota {
    pub(crate) fn new(name: &'static str, rate: Option<Rate>) -> Self {
        Self { name, rate, bucket: Mutex::default() }
    }

    pub(crate) fn take(&self, count: usize, now: Timestamp) -> Verdict {
        match self.rate {
            None => Verdict::Allowed,
            Some(rate) => self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(rate, count, now),
        }
    }
}

impl Bucket {
    /// Takes `count` at once or, when that is too many, nothing.
    pub(crate) fn take(&mut self, rate: Rate, count: usize, now: Timestamp) -> Verdict {
        let full = u64::from(rate.burst) * ONE;
        let mut millionths = match self.filled {
            None => full,
            Some(was) => {
                let passed_us = u64::try_from(now.as_microsecond() - was.at.as_microsecond()).unwrap_or(0);
                was.millionths.saturating_add(passed_us.saturating_mul(u64::from(rate.per_s))).min(full)
            }
        };
        let wanted = (count as u64).saturating_mul(ONE);
        let verdict = match millionths.checked_sub(wanted) {
            Some(left) => {
                millionths = left;
                Verdict::Allowed
            }
            None => Verdict::Exceeded,
        };
        self.filled = Some(Filled { millionths, at: now });
        verdict
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Verdict::*, *};

    #[test]
    fn a_burst_passes_then_the_rate_rules() {
        let rate = Rate { per_s: 2, burst: 3 };
        let mut bucket = Bucket::default();
        // milliseconds, messages, verdict
        let table = [
            (0, 3, Allowed),
            (0, 1, Exceeded),
            (499, 1, Exceeded),
            (500, 1, Allowed),
            (500, 1, Exceeded),
            (1_500, 2, Allowed),
            (60_000, 4, Exceeded),
            (60_000, 3, Allowed),
        ];
        for (at_ms, count, verdict) in table {
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_millis(at_ms);
            assert_eq!(bucket.take(rate, count, now), verdict, "{count} at {at_ms} ms");
        }
    }

    #[test]
    fn a_clock_that_went_back_gives_nothing_and_takes_nothing() {
        let rate = Rate { per_s: 1, burst: 1 };
        let mut bucket = Bucket::default();
        let later = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(10);
        assert_eq!(bucket.take(rate, 1, later), Allowed);
        assert_eq!(bucket.take(rate, 1, Timestamp::UNIX_EPOCH), Exceeded);
        assert_eq!(bucket.take(rate, 1, Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1)), Allowed);
    }
}
