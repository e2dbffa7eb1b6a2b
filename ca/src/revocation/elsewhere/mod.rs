//! What somebody else recorded: who was faster with the same, and other nodes on the same database.

mod service;

/// Serials that are looked up at the same time.
const READ_AT_ONCE: usize = 32;
