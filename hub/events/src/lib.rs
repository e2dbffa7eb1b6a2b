//! The event log: what devices sent, by partition and offset, durable before it is acknowledged.
//!
//! One SQLite file, one thread that writes it. A row is a batch: all events that one commit brought for one partition,
//! because a row for each event costs more than the event. Callers encode (`batch`), queue (`queue`) and wait; the writer
//! (`writer`) takes all that is queued, commits once and answers; readers (`reader`) have connections of their own.

mod batch;
mod checkpoint;
mod error;
mod event;
mod gather;
mod log;
mod options;
mod partition;
mod queue;
mod reader;
mod sql;
mod writer;

pub use error::{AppendError, OpenError, ReadError, TrimError};
pub use event::{Event, Source, Stored};
pub use log::{Extent, Log};
pub use options::{EVENT_BYTES_MAX, Options, PARTITIONS_MAX, Retention, Trimmed};
pub use partition::partition_of;
