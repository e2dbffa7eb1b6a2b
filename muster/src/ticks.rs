//! What time alone brings about: each tick says when it wants to be called again.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::listen::now;

/// A tick that wants nothing is asked again after this long: what it waits for may have come.
const IDLE: Duration = Duration::from_secs(60);
/// A tick that is always due must not take a core.
const PAUSE_MIN: Duration = Duration::from_millis(100);

type Ticking = Pin<Box<dyn Future<Output = Option<Timestamp>> + Send>>;

pub(crate) struct Tick {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn Fn(Timestamp) -> Ticking + Send + Sync>,
}

impl Tick {
    pub(crate) fn new<F>(name: &'static str, run: impl Fn(Timestamp) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Option<Timestamp>> + Send + 'static,
    {
        Self { name, run: Box::new(move |now| Box::pin(run(now))) }
    }

    /// Until the server stops. A tick that runs is let finish.
    pub(crate) async fn keep(self, stop: CancellationToken) {
        loop {
            let next = (self.run)(now()).await;
            let pause = match next {
                None => IDLE,
                Some(at) => Duration::try_from(at.duration_since(now())).unwrap_or_default().max(PAUSE_MIN),
            };
            tracing::trace!(tick = self.name, ?pause, "ticked");
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}
