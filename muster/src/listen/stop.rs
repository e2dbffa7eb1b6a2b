//! The signal by which the server ends its connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_util::sync::CancellationToken;

/// One token is a list with a lock that every waiting connection takes each time it goes idle; this many make it nobody's queue.
const SHARDS: usize = 16;

#[derive(Clone)]
pub(crate) struct Stop {
    shards: Arc<[CancellationToken]>,
    next: Arc<AtomicUsize>,
}

impl Stop {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| CancellationToken::new()).collect(),
            next: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// For one task to wait on.
    pub(crate) fn token(&self) -> CancellationToken {
        let at = self.next.fetch_add(1, Ordering::Relaxed) % self.shards.len();
        self.shards[at].clone()
    }

    pub(crate) fn stop(&self) {
        self.shards.iter().for_each(CancellationToken::cancel);
    }
}
