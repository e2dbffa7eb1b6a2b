//! Randomness, from the one source that everything below is handed.

use std::sync::Arc;

use muster_identity::Entropy;

/// The system's, through aws-lc-rs. There is nothing safe to do without, so its failure ends the process.
pub(crate) fn system() -> Entropy {
    Arc::new(|bytes: &mut [u8]| {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            tracing::error!("the system gives no random bytes; stopping rather than using guessable keys");
            std::process::abort();
        }
    })
}
