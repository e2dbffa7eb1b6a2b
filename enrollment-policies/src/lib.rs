//! Which hub gets a device: pure decisions over the hubs that may take it.

mod decide;
mod rendezvous;

pub use decide::{Candidate, Decision, NoHub, Policy, WEIGHT_MAX, decide};
pub use rendezvous::Score;

#[cfg(test)]
mod tests;
