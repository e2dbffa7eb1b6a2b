//! Who may connect at all, decided before a byte is read: a bound on all sockets, and a rate for each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Limits;

/// Addresses remembered at once: 100,000 take about 5 MB. Beyond, all further ones share one bucket.
const ADDRESSES_MAX: usize = 100_000;

pub(crate) struct Admission {
    sockets: Arc<Semaphore>,
    buckets: Mutex<Buckets>,
}

/// Held by a connection for its life.
pub(crate) type Permit = OwnedSemaphorePermit;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAdmitted {
    #[error("all `limits.connections_max` sockets are in use")]
    Full,
    #[error("the address connects faster than `limits.connects_per_s`")]
    TooFast,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        let sockets = limits.connections_max.min(Semaphore::MAX_PERMITS);
        let rate = Rate { per_s: f64::from(limits.connects_per_s), burst: f64::from(limits.connects_burst) };
        Self { sockets: Arc::new(Semaphore::new(sockets)), buckets: Mutex::new(Buckets::new(rate)) }
    }

    pub(crate) fn admit(&self, address: IpAddr, now: Instant) -> Result<Permit, NotAdmitted> {
        if !self.buckets.lock().unwrap_or_else(PoisonError::into_inner).take(address, now) {
            return Err(NotAdmitted::TooFast);
        }
        self.sockets.clone().try_acquire_owned().map_err(|_| NotAdmitted::Full)
    }
}

#[derive(Clone, Copy)]
struct Rate {
    per_s: f64,
    burst: f64,
}

/// A token bucket, filled up lazily.
#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn filled(self, rate: Rate, now: Instant) -> f64 {
        let passed_s = now.saturating_duration_since(self.at).as_secs_f64();
        (self.tokens + passed_s * rate.per_s).min(rate.burst)
    }
}

struct Buckets {
    rate: Rate,
    by_address: HashMap<IpAddr, Bucket>,
    overflow: Option<Bucket>,
}

impl Buckets {
    fn new(rate: Rate) -> Self {
        Self { rate, by_address: HashMap::new(), overflow: None }
    }

    fn take(&mut self, address: IpAddr, now: Instant) -> bool {
        let address = network(address);
        let rate = self.rate;
        if self.by_address.len() >= ADDRESSES_MAX && !self.by_address.contains_key(&address) {
            // A bucket that is full again says no more than none.
            self.by_address.retain(|_, bucket| bucket.filled(rate, now) < rate.burst);
        }
        let full = Bucket { tokens: rate.burst, at: now };
        let room = self.by_address.len() < ADDRESSES_MAX || self.by_address.contains_key(&address);
        let bucket = match room {
            true => self.by_address.entry(address).or_insert(full),
            false => self.overflow.get_or_insert(full),
        };
        let tokens = bucket.filled(rate, now);
        let taken = tokens >= 1.0;
        *bucket = Bucket { tokens: if taken { tokens - 1.0 } else { tokens }, at: now };
        taken
    }
}

/// An IPv6 host has a /64 to itself; counting single addresses would count nothing.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds_for_each_address_alone() {
        let mut buckets = Buckets::new(Rate { per_s: 2.0, burst: 3.0 });
        let start = Instant::now();
        let (one, other) = (address("10.0.0.1"), address("10.0.0.2"));
        let passed = (0..5).filter(|_| buckets.take(one, start)).count();
        assert_eq!(passed, 3);
        assert!(buckets.take(other, start));
        let later = start + Duration::from_secs(1);
        let passed = (0..5).filter(|_| buckets.take(one, later)).count();
        assert_eq!(passed, 2);
    }

    #[test]
    fn a_whole_ipv6_network_is_one_address() {
        let mut buckets = Buckets::new(Rate { per_s: 1.0, burst: 1.0 });
        let now = Instant::now();
        assert!(buckets.take(address("2001:db8::1"), now));
        assert!(!buckets.take(address("2001:db8::2:3"), now));
        assert!(buckets.take(address("2001:db8:0:1::1"), now));
    }

    #[test]
    fn addresses_beyond_the_bound_share_a_bucket_and_refilled_ones_make_room() {
        let mut buckets = Buckets::new(Rate { per_s: 1.0, burst: 1.0 });
        let now = Instant::now();
        for n in 0..u32::try_from(ADDRESSES_MAX).unwrap() {
            assert!(buckets.take(IpAddr::V4(n.into()), now));
        }
        assert!(buckets.take(address("255.0.0.1"), now));
        assert!(!buckets.take(address("255.0.0.2"), now));
        assert!(buckets.take(address("255.0.0.2"), now + Duration::from_secs(2)));
        assert_eq!(buckets.by_address.len(), 1);
    }

    #[test]
    fn sockets_are_counted_until_they_close() {
        let limits = Limits { connections_max: 1, ..Limits::default() };
        let admission = Admission::new(&limits);
        let now = Instant::now();
        let permit = admission.admit(address("::1"), now).unwrap();
        assert_eq!(admission.admit(address("::1"), now).err(), Some(NotAdmitted::Full));
        drop(permit);
        assert!(admission.admit(address("::1"), now).is_ok());
    }
}
