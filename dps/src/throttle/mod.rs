//! How fast one source may ask: the generic cell rate algorithm over a fixed number of cells.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::{AtomicI64, Ordering},
};

#[cfg(test)]
mod tests;

/// Cells of one limit, 512 KB. Sources share cells by a secret hash instead of each having a row: whoever invents a million
/// sources fills nothing, and two who happen to share get half of a generous limit.
const CELLS: usize = 1 << 16;

const NS_PER_S: i64 = 1_000_000_000;

pub(crate) struct Throttle {
    /// When each cell's credit would be whole again.
    cells: Box<[AtomicI64]>,
    interval_ns: i64,
    tolerance_ns: i64,
    seed: u64,
}

/// Asked too fast: how long until the next would be let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooFast {
    pub(crate) wait_s: u32,
}

impl Throttle {
    pub(crate) fn new(per_s: u32, burst: u32, seed: u64) -> Self {
        let interval_ns = NS_PER_S / i64::from(per_s.max(1));
        Self {
            cells: std::iter::repeat_with(AtomicI64::default).take(CELLS).collect(),
            interval_ns,
            tolerance_ns: interval_ns.saturating_mul(i64::from(burst.max(1)) - 1),
            seed,
        }
    }

    pub(crate) fn admit(&self, source: impl Hash, now_ns: i128) -> Result<(), TooFast> {
        let now_ns = i64::try_from(now_ns).unwrap_or(i64::MAX); // until the year 2262
        let mut hasher = DefaultHasher::new();
        (self.seed, source).hash(&mut hasher);
        let Some(cell) = self.cells.get(hasher.finish() as usize % CELLS) else { return Ok(()) };
        let mut due = cell.load(Ordering::Relaxed);
        loop {
            let next = next(due, now_ns, self.interval_ns, self.tolerance_ns)?;
            match cell.compare_exchange_weak(due, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(meanwhile) => due = meanwhile,
            }
        }
    }
}

/// The rule: each request moves the due instant one interval on; it may run ahead of now by the tolerance.
fn next(due_ns: i64, now_ns: i64, interval_ns: i64, tolerance_ns: i64) -> Result<i64, TooFast> {
    let ahead_ns = due_ns.saturating_sub(now_ns);
    if ahead_ns > tolerance_ns {
        let wait_s = (ahead_ns - tolerance_ns - 1) / NS_PER_S + 1; // rounded up
        return Err(TooFast { wait_s: u32::try_from(wait_s).unwrap_or(u32::MAX) });
    }
    Ok(due_ns.max(now_ns).saturating_add(interval_ns))
}
