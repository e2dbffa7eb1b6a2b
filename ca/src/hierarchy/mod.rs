//! The authorities: a root, and the issuing authority below it.

/// Why the authorities cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {}
