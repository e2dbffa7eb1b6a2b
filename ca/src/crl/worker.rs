//! Makes CRLs anew as soon as something is revoked: at once when all was quiet, then again for all that came meanwhile.

use std::{sync::Weak, time::Duration};

use tokio::sync::mpsc;

use crate::Ca;

/// How long what is revoked next waits for others. A burst of revocations costs one signature a shard and second.
const GATHER: Duration = Duration::from_millis(700);

/// Ends with the authority, whose handle it does not keep.
pub(super) async fn run(ca: Weak<Ca>, mut woken: mpsc::Receiver<()>) {
    while woken.recv().await.is_some() {
        let Some(ca) = ca.upgrade() else { return };
        ca.publish_marked().await;
        drop(ca);
        tokio::time::sleep(GATHER).await;
    }
}
