//! The event log: what devices sent, by partition and offset, durable before it is acknowledged.

mod event;
mod log;
mod partition;

pub use event::{Event, Source, Stored};
pub use log::{AppendError, Extent, Log, OpenError, Options, ReadError, Retention, TrimError, Trimmed};
pub use partition::partition_of;
