//! What the audit log promises: that no change of it goes unseen, here or in an export.

mod chain;
mod export;
mod tampering;
