//! Traces on their way to the table: open ones, and ended ones that wait to be written. Bounded; what does not fit is counted.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use super::{Outcome, Step, Trace, TrackingId};

/// Attempts between acceptance and assignment: as many as may wait for a hub, and what the worker holds.
const OPEN_MAX: usize = 16_384;
/// Ended and not yet written: half a second's worth at full speed, some 4 MB. A slow disk costs traces, not registrations.
const ENDED_MAX: usize = 4096;

#[derive(Default)]
pub(crate) struct Traces {
    inner: Mutex<Inner>,
    dropped: AtomicU64,
    arrived: Notify,
}

#[derive(Default)]
struct Inner {
    open: HashMap<TrackingId, Trace>,
    ended: VecDeque<Arc<Trace>>,
}

impl Traces {
    /// An attempt that goes on: [`Traces::add`] and [`Traces::end`] follow.
    pub(crate) fn open(&self, trace: Trace) {
        let mut inner = self.lock();
        if inner.open.len() < OPEN_MAX {
            inner.open.insert(trace.tracking_id, trace);
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn add(&self, id: TrackingId, steps: Vec<Step>) {
        if let Some(trace) = self.lock().open.get_mut(&id) {
            trace.steps.extend(steps);
        }
    }

    pub(crate) fn end(&self, id: TrackingId, outcome: Outcome) {
        let ended = self.lock().open.remove(&id);
        if let Some(trace) = ended {
            self.put(Trace { outcome, ..trace });
        }
    }

    /// An attempt that is over already.
    pub(crate) fn put(&self, trace: Trace) {
        let mut inner = self.lock();
        if inner.ended.len() < ENDED_MAX {
            inner.ended.push_back(Arc::new(trace));
            drop(inner);
            self.arrived.notify_one();
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The oldest that wait, to be written; [`Traces::written`] takes them out, so that readers always find them somewhere.
    pub(crate) fn oldest(&self, max: usize) -> Vec<Arc<Trace>> {
        self.lock().ended.iter().take(max).cloned().collect()
    }

    pub(crate) fn written(&self, count: usize) {
        let mut inner = self.lock();
        let count = count.min(inner.ended.len());
        inner.ended.drain(..count);
    }

    /// Told when there is something to write.
    pub(crate) fn arrived(&self) -> &Notify {
        &self.arrived
    }

    pub(crate) fn find(&self, id: TrackingId) -> Option<Trace> {
        let inner = self.lock();
        let ended =
            || inner.ended.iter().find(|trace| trace.tracking_id == id).map(|trace| (**trace).clone());
        inner.open.get(&id).cloned().or_else(ended)
    }

    /// Of one device, or of all when it is `None`; latest first.
    pub(crate) fn latest(&self, registration_id: Option<&str>, top: usize) -> Vec<Trace> {
        let of = |trace: &Trace| {
            registration_id.is_none_or(|wanted| trace.registration_id.eq_ignore_ascii_case(wanted))
        };
        let inner = self.lock();
        let ended = inner.ended.iter().map(|trace| &**trace);
        let mut found: Vec<_> = inner.open.values().chain(ended).filter(|trace| of(trace)).collect();
        found.sort_by_key(|trace| std::cmp::Reverse(trace.at));
        found.into_iter().take(top).cloned().collect()
    }

    /// Traces that were not kept because too many waited.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
