//! What profiles promise.
