//! One live session: what its connection owns, and the little of it that others may touch.

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicI64, AtomicU8, Ordering::Relaxed},
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use muster_events::{Event, Source};
use muster_identity::DeviceId;
use muster_x509::IssuerAndSerial;

use super::{
    Disconnect, Granted, Shown, Vouched, Will,
    credential::{Proof, Until},
    subscriptions::Subscriptions,
};
use crate::{
    limits::Rate,
    telemetry::{Bucket, Verdict},
};

/// Azure's cap of the keep-alive timeout, and what 0 means (hub-device.md §1.6).
const KEEP_ALIVE_TIMEOUT_S: i64 = 1767;

/// SDKs send about 100; the rest of a longer one is not worth a hundred thousand copies.
const PRODUCT_CHARACTERS_MAX: usize = 128;

/// The connection's own. Small: a hundred thousand of them are idle.
pub struct Session {
    pub(super) device: DeviceId,
    pub(super) serial: u64,
    pub(super) shared: Arc<Shared>,
    pub(super) auth_method: Arc<str>,
    pub(super) subscriptions: Subscriptions,
    pub(super) persistence: Persistence,
    pub(super) will: Option<Box<Will>>,
    pub(super) keep_alive: SignedDuration,
    pub(super) heard: Timestamp,
    pub(super) until: Option<Until>,
}

/// CleanSession of the CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// Subscriptions outlive the connection.
    Kept,
    Dropped,
}

/// What the rest of the hub sees of a session.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) generation: Arc<str>,
    pub(crate) proof: Proof,
    /// The certificate it presented, whatever it was let in by.
    pub(crate) vouched: Option<Box<Vouched>>,
    pub(crate) certificates: Box<[IssuerAndSerial]>,
    /// `DeviceClientType`, as far as it is shown.
    pub(crate) product: Option<Box<str>>,
    activity_us: AtomicI64,
    desired: AtomicU8,
    sends: Mutex<Bucket>,
    cut: OnceLock<Disconnect>,
}

impl Shared {
    pub(crate) fn new(
        generation: Arc<str>,
        proof: Proof,
        vouched: Option<Vouched>,
        certificates: Box<[IssuerAndSerial]>,
        product: Option<&str>,
        now: Timestamp,
    ) -> Self {
        let product = product.map(|product| product.chars().take(PRODUCT_CHARACTERS_MAX).collect());
        Self {
            generation,
            proof,
            vouched: vouched.map(Box::new),
            certificates,
            product,
            activity_us: AtomicI64::new(now.as_microsecond()),
            desired: AtomicU8::new(DESIRED_NONE),
            sends: Mutex::default(),
            cut: OnceLock::new(),
        }
    }

    /// None when it showed no certificate.
    pub(crate) fn shown(&self) -> Option<Shown<'_>> {
        let shown = Shown { vouched: self.vouched.as_deref(), certificates: &self.certificates };
        (shown.vouched.is_some() || !shown.certificates.is_empty()).then_some(shown)
    }

    pub(crate) fn activity(&self) -> Option<Timestamp> {
        Timestamp::from_microsecond(self.activity_us.load(Relaxed)).ok()
    }

    /// How the device wants to hear of desired changes.
    pub(crate) fn desired(&self) -> Option<Granted> {
        match self.desired.load(Relaxed) {
            DESIRED_AT_MOST_ONCE => Some(Granted::AtMostOnce),
            DESIRED_AT_LEAST_ONCE => Some(Granted::AtLeastOnce),
            _ => None,
        }
    }

    pub(crate) fn listen(&self, desired: Option<Granted>) {
        let desired = match desired {
            None => DESIRED_NONE,
            Some(Granted::AtMostOnce) => DESIRED_AT_MOST_ONCE,
            Some(Granted::AtLeastOnce) => DESIRED_AT_LEAST_ONCE,
        };
        self.desired.store(desired, Relaxed);
    }

    pub(crate) fn sends(&self) -> Bucket {
        *self.bucket()
    }

    pub(crate) fn set_sends(&self, sends: Bucket) {
        *self.bucket() = sends;
    }

    pub(crate) fn take_sends(&self, rate: Rate, count: usize, now: Timestamp) -> Verdict {
        self.bucket().take(rate, count, now)
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.sends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first reason stays.
    pub(crate) fn cut(&self, why: Disconnect) {
        let _ = self.cut.set(why);
    }
}

const DESIRED_NONE: u8 = 0;
const DESIRED_AT_MOST_ONCE: u8 = 1;
const DESIRED_AT_LEAST_ONCE: u8 = 2;

impl Session {
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// The certificate it came with, when somebody vouched for that.
    pub(crate) fn vouched(&self) -> Option<&Vouched> {
        self.shared.vouched.as_deref()
    }

    /// When this session ends unless something is heard; ask again after every `handle`.
    pub fn deadline(&self) -> Timestamp {
        let keep_alive = self.heard + self.keep_alive;
        self.until.map_or(keep_alive, |until| until.at().min(keep_alive))
    }

    /// What the passing of the deadline means; `None` before it.
    pub fn overdue(&self, now: Timestamp) -> Option<Disconnect> {
        match self.until {
            Some(until) if now >= until.at() => Some(until.lapsed()),
            _ if now >= self.heard + self.keep_alive => Some(Disconnect::KeepAlive),
            Some(_) | None => None,
        }
    }

    /// Why the hub ended this session, once it did: when the mailbox has ended, there is a reason here.
    pub fn cut(&self) -> Option<Disconnect> {
        self.shared.cut.get().cloned()
    }

    /// Any packet counts, for the keep-alive and for `lastActivityTime`.
    pub(super) fn hear(&mut self, now: Timestamp) {
        self.heard = now;
        self.shared.activity_us.store(now.as_microsecond(), Relaxed);
    }

    pub(super) fn event(&self, properties: Bytes, body: Bytes, now: Timestamp) -> Event {
        Event {
            enqueued: now,
            device: self.device.to_arc(),
            module: None,
            generation: Arc::clone(&self.shared.generation),
            auth_method: Arc::clone(&self.auth_method),
            source: Source::Telemetry,
            properties,
            body,
        }
    }
}

/// One and a half times what the client asked for, within the cap.
pub(super) fn keep_alive_timeout(keep_alive_s: u16) -> SignedDuration {
    let cap = SignedDuration::from_secs(KEEP_ALIVE_TIMEOUT_S);
    match keep_alive_s {
        0 => cap,
        s => cap.min(SignedDuration::from_millis(i64::from(s) * 1500)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keep_alive_is_one_and_a_half_times_within_the_cap() {
        for (asked_s, granted_ms) in [
            (1, 1_500),
            (60, 90_000),
            (1177, 1_765_500),
            (1178, 1_767_000),
            (u16::MAX, 1_767_000),
            (0, 1_767_000),
        ] {
            assert_eq!(keep_alive_timeout(asked_s), SignedDuration::from_millis(granted_ms), "{asked_s}");
        }
    }

    #[test]
    fn a_session_ends_by_silence_or_by_its_token_whichever_is_first() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut session = Session {
            device: DeviceId::parse("d").unwrap(),
            serial: 0,
            shared: Arc::new(Shared::new("g".into(), Proof::Policy, None, Box::default(), None, at(0))),
            auth_method: "{}".into(),
            subscriptions: Subscriptions::default(),
            persistence: Persistence::Kept,
            will: None,
            keep_alive: keep_alive_timeout(60),
            heard: at(0),
            until: Some(Until::Token(at(100))),
        };
        assert_eq!((session.deadline(), session.overdue(at(89))), (at(90), None));
        assert_eq!(session.overdue(at(90)), Some(Disconnect::KeepAlive));
        session.hear(at(50));
        assert_eq!((session.deadline(), session.overdue(at(99))), (at(100), None));
        assert_eq!(session.overdue(at(100)), Some(Disconnect::TokenExpired));
        session.until = Some(Until::Certificate(at(100)));
        assert_eq!(session.overdue(at(100)), Some(Disconnect::CertificateExpired));
        session.until = None;
        assert_eq!((session.deadline(), session.overdue(at(139))), (at(140), None));
    }

    #[test]
    fn an_idle_session_is_small() {
        // with its mailbox it must stay well under 1.5 KB, a hundred thousand of them are idle
        assert!(size_of::<Session>() <= 256, "{}", size_of::<Session>());
        assert!(size_of::<Shared>() <= 320, "{}", size_of::<Shared>());
    }
}
