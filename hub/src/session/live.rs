//! One live session: what its connection owns, and the little of it that others may touch.

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicI64, AtomicU8, Ordering::Relaxed},
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use muster_events::{Event, Source};
use muster_identity::DeviceId;

use super::{Disconnect, Granted, Will, credential::Proof, subscriptions::Subscriptions};
use crate::{
    limits::Rate,
    telemetry::{Bucket, Verdict},
};

/// Azure's cap of the keep-alive timeout, and what 0 means (hub-device.md §1.6).
const KEEP_ALIVE_TIMEOUT_S: i64 = 1767;

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
    pub(super) until: Option<Timestamp>,
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
    activity_us: AtomicI64,
    desired: AtomicU8,
    sends: Mutex<Bucket>,
    cut: OnceLock<Disconnect>,
}

impl Shared {
    pub(crate) fn new(generation: Arc<str>, proof: Proof, now: Timestamp) -> Self {
        Self {
            generation,
            proof,
            activity_us: AtomicI64::new(now.as_microsecond()),
            desired: AtomicU8::new(DESIRED_NONE),
            sends: Mutex::default(),
            cut: OnceLock::new(),
        }
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

    /// When this session ends unless something is heard; ask again after every `handle`.
    pub fn deadline(&self) -> Timestamp {
        let keep_alive = self.heard + self.keep_alive;
        self.until.map_or(keep_alive, |until| until.min(keep_alive))
    }

    /// What the passing of the deadline means; `None` before it.
    pub fn overdue(&self, now: Timestamp) -> Option<Disconnect> {
        match self.until {
            Some(until) if now >= until => Some(Disconnect::TokenExpired),
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
