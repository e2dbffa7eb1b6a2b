//! What somebody else recorded: who was faster with the same, and other nodes on the same database.

mod service;

/// Serials or holders that are looked up at the same time: half of the store's readers stay for others.
const READ_AT_ONCE: usize = 8;
