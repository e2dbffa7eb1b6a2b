//! Failed attempts to sign in, bounded by address and by user. Pure.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::caller::{Rate, Rates};

/// A line whose password was mistyped tries it a few times; who fails on and on is guessing.
const BY_ADDRESS: Rate = Rate { per_minute: 10, burst: 20 };
/// From wherever. Generous, for who fails by somebody's name keeps that somebody out.
const BY_USER: Rate = Rate { per_minute: 60, burst: 60 };

/// Nothing is guessed by certificates: it is the work that is bounded, ten milliseconds at worst for each. A device of
/// somebody else's that tries on and on must not keep out the others of its site.
const STRANGERS: Rate = Rate { per_minute: 600, burst: 600 };

/// Who failed of late.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<Rates>);

impl Attempts {
    /// How long whoever comes from there, by that name, has to wait.
    pub(super) fn wait(
        &self,
        from: Option<SocketAddr>,
        user: Option<&str>,
        now: Timestamp,
    ) -> Option<SignedDuration> {
        let rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys(from, user).into_iter().find_map(|(key, rate)| rates.wait(&key, rate, now))
    }

    /// How long whoever shows a certificate from there has to wait.
    pub(super) fn wait_for_strangers(
        &self,
        from: Option<SocketAddr>,
        now: Timestamp,
    ) -> Option<SignedDuration> {
        let rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rates.wait(&strangers(from?), STRANGERS, now)
    }

    /// By the certificate of a manufacturer whom nobody trusts.
    pub(super) fn was_stranger(&self, from: Option<SocketAddr>, now: Timestamp) {
        let Some(from) = from else { return };
        let mut rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever is over it waits already.
        let _ = rates.admit(&strangers(from), STRANGERS, now);
    }

    /// `user`: one that exists; others are not worth a place in memory.
    pub(super) fn failed(&self, from: Option<SocketAddr>, user: Option<&str>, now: Timestamp) {
        let mut rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, rate) in keys(from, user) {
            // Whoever is over it waits already.
            let _ = rates.admit(&key, rate, now);
        }
    }
}

fn keys(from: Option<SocketAddr>, user: Option<&str>) -> Vec<(String, Rate)> {
    let from = from.map(|from| (format!("from {}", network(from.ip())), BY_ADDRESS));
    let user = user.map(|user| (format!("user {user}"), BY_USER));
    from.into_iter().chain(user).collect()
}

fn strangers(from: SocketAddr) -> String {
    format!("strangers from {}", network(from.ip()))
}

/// Whoever has one IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn from(address: &str) -> Option<SocketAddr> {
        Some(SocketAddr::new(address.parse().unwrap(), 4711))
    }

    #[test]
    fn an_address_that_fails_on_and_on_waits_and_others_do_not() {
        let attempts = Attempts::default();
        for _ in 0..20 {
            assert_eq!(attempts.wait(from("192.0.2.1"), None, at(0)), None);
            attempts.failed(from("192.0.2.1"), None, at(0));
        }
        assert_eq!(attempts.wait(from("192.0.2.1"), None, at(0)), Some(SignedDuration::from_secs(6)));
        assert_eq!(attempts.wait(from("::ffff:192.0.2.1"), None, at(0)), Some(SignedDuration::from_secs(6)));
        assert_eq!(attempts.wait(from("192.0.2.2"), None, at(0)), None);
        assert_eq!(attempts.wait(from("192.0.2.1"), None, at(6)), None);
    }

    #[test]
    fn addresses_of_one_network_are_one_and_so_are_those_who_use_one_name() {
        let attempts = Attempts::default();
        for n in 0..20 {
            attempts.failed(from(&format!("2001:db8::{n:x}")), None, at(0));
        }
        assert!(attempts.wait(from("2001:db8::ffff"), None, at(0)).is_some());
        assert!(attempts.wait(from("2001:db8:0:1::1"), None, at(0)).is_none());
        for n in 0..60 {
            attempts.failed(from(&format!("198.51.100.{n}")), Some("line-1"), at(0));
        }
        assert!(attempts.wait(from("203.0.113.9"), Some("line-1"), at(0)).is_some());
        assert!(attempts.wait(from("203.0.113.9"), Some("line-2"), at(0)).is_none());
        assert!(attempts.wait(from("203.0.113.9"), Some("line-1"), at(1)).is_none());
    }
}
