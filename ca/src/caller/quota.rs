//! How many certificates a grant has given: in this hour, on this day, in all. Pure.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::{NotGranted, Quota};

const HOUR_S: i64 = 60 * 60;
const DAY_S: i64 = 24 * HOUR_S;

/// By grant. Those that were counted when the process began, and those since.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quotas(Arc<Mutex<HashMap<String, Used>>>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) hour: Window,
    pub(crate) day: Window,
    pub(crate) total: u64,
}

/// The last hour or day in which one was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) number: i64,
    pub(crate) used: u64,
}

/// One certificate of a quota, given back unless it is issued.
#[derive(Debug)]
pub(crate) struct Reserved {
    quotas: Quotas,
    grant: String,
    hour: i64,
    day: i64,
    kept: bool,
}

pub(crate) fn hour_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(HOUR_S)
}

pub(crate) fn day_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(DAY_S)
}

impl Quotas {
    pub(crate) fn put(&self, grant: String, used: Used) {
        self.lock().insert(grant, used);
    }

    pub(crate) fn used(&self, grant: &str) -> u64 {
        self.lock().get(grant).map_or(0, |used| used.total)
    }

    pub(crate) fn reserve(&self, grant: &str, quota: Quota, now: Timestamp) -> Result<Reserved, NotGranted> {
        let (hour, day) = (hour_of(now), day_of(now));
        let mut all = self.lock();
        let used = all.entry(grant.to_owned()).or_default();
        let hour_ends_s = (hour + 1) * HOUR_S - now.as_second();
        let day_ends_s = (day + 1) * DAY_S - now.as_second();
        let limits = [
            (quota.total, used.total, "in all", None),
            (quota.per_day, used.day.at(day), "a day", Some(day_ends_s)),
            (quota.per_hour, used.hour.at(hour), "an hour", Some(hour_ends_s)),
        ];
        for (limit, used, period, ends_s) in limits {
            if let Some(limit) = limit
                && used >= limit
            {
                let retry_after_s = ends_s.and_then(|seconds| u64::try_from(seconds).ok());
                return Err(NotGranted::Quota { grant: grant.to_owned(), limit, period, retry_after_s });
            }
        }
        used.hour = Window { number: hour, used: used.hour.at(hour) + 1 };
        used.day = Window { number: day, used: used.day.at(day) + 1 };
        used.total += 1;
        drop(all);
        Ok(Reserved { quotas: self.clone(), grant: grant.to_owned(), hour, day, kept: false })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Used>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn at(self, number: i64) -> u64 {
        if self.number == number { self.used } else { 0 }
    }

    fn give_back(&mut self, number: i64) {
        if self.number == number {
            self.used = self.used.saturating_sub(1);
        }
    }
}

impl Reserved {
    pub(crate) fn grant(&self) -> &str {
        &self.grant
    }

    /// It is issued, or nobody can say that it is not.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Some(used) = self.quotas.lock().get_mut(&self.grant) {
            used.hour.give_back(self.hour);
            used.day.give_back(self.day);
            used.total = used.total.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const QUOTA: Quota = Quota { per_hour: Some(2), per_day: Some(3), total: Some(4) };

    fn refusal(quotas: &Quotas, now: Timestamp) -> (u64, &'static str, Option<u64>) {
        match quotas.reserve("line-1", QUOTA, now) {
            Err(NotGranted::Quota { limit, period, retry_after_s, .. }) => (limit, period, retry_after_s),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_period_has_its_own_limit_and_says_when_the_next_begins() {
        let quotas = Quotas::default();
        for _ in 0..2 {
            quotas.reserve("line-1", QUOTA, at("2026-11-20T12:10:00Z")).unwrap().keep();
        }
        assert_eq!(refusal(&quotas, at("2026-11-20T12:59:00Z")), (2, "an hour", Some(60)));
        quotas.reserve("line-1", QUOTA, at("2026-11-20T13:00:00Z")).unwrap().keep();
        assert_eq!(refusal(&quotas, at("2026-11-20T23:00:00Z")), (3, "a day", Some(3600)));
        quotas.reserve("line-1", QUOTA, at("2026-11-21T00:00:00Z")).unwrap().keep();
        assert_eq!(refusal(&quotas, at("2027-11-21T00:00:00Z")), (4, "in all", None));
        assert!(quotas.reserve("line-2", QUOTA, at("2026-11-21T00:00:00Z")).is_ok());
    }

    #[test]
    fn what_is_not_issued_is_given_back() {
        let quotas = Quotas::default();
        let now = at("2026-11-20T12:10:00Z");
        for _ in 0..10 {
            drop(quotas.reserve("line-1", QUOTA, now).unwrap());
        }
        for _ in 0..2 {
            quotas.reserve("line-1", QUOTA, now).unwrap().keep();
        }
        assert_eq!(refusal(&quotas, now).0, 2);
    }

    #[test]
    fn those_that_ask_at_once_do_not_get_more_than_there_is() {
        let quotas = Quotas::default();
        let now = at("2026-11-20T12:10:00Z");
        let held: Vec<_> = (0..10).map(|_| quotas.reserve("line-1", QUOTA, now)).collect();
        assert_eq!(held.iter().filter(|reserved| reserved.is_ok()).count(), 2);
    }
}
