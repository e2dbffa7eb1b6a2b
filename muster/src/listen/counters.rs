//! What the listeners did, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: Counter,
    pub(crate) not_admitted: Counter,
    pub(crate) handshakes_failed: Counter,
    /// No CONNECT in time, or something else than one.
    pub(crate) strangers: Counter,
    /// A CONNECT that was answered no.
    pub(crate) refused: Counter,
    pub(crate) connected: Counter,
    pub(crate) requests: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A reading of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    pub accepted: u64,
    pub not_admitted: u64,
    pub handshakes_failed: u64,
    pub strangers: u64,
    pub refused: u64,
    pub connected: u64,
    pub requests: u64,
}

impl Counters {
    pub(crate) fn read(&self) -> Connections {
        Connections {
            accepted: self.accepted.value(),
            not_admitted: self.not_admitted.value(),
            handshakes_failed: self.handshakes_failed.value(),
            strangers: self.strangers.value(),
            refused: self.refused.value(),
            connected: self.connected.value(),
            requests: self.requests.value(),
        }
    }
}
