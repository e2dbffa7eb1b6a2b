//! How each operation of the log can fail.

use std::sync::Arc;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum OpenError {
    #[error(
        "event log `{path}` has {found} partitions, {asked} were asked for; partitions are fixed when the log is made, \
         set `partitions = {found}` or start a new log"
    )]
    Partitions { path: String, found: u16, asked: u16 },
    #[error("partitions is {asked}, must be 1 to {max}")]
    PartitionsRange { asked: u16, max: u16 },
    #[error("`{path}` is not an event log; name a file that is, or one that does not exist yet")]
    Foreign { path: String },
    #[error(
        "event log `{path}` is of format {found}, this program knows {known}; use the program that wrote it"
    )]
    Format { path: String, found: i64, known: i64 },
    #[error("event log `{path}` cannot be opened: {reason}")]
    Storage { path: String, reason: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// Nothing of this call was kept. A full disk, mostly: worth trying again.
    #[error("events could not be stored: {0}")]
    Storage(Arc<str>),
    #[error("event of {bytes} bytes is over the limit of {max}")]
    EventTooLarge { bytes: usize, max: usize },
    /// More at once than the queue holds.
    #[error(
        "{events} events of {bytes} bytes in one call, the limits are {events_max} and {bytes_max}; append them in parts"
    )]
    CallTooLarge { events: usize, events_max: usize, bytes: usize, bytes_max: usize },
    #[error("event log is closed")]
    Closed,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    #[error("partition {partition} does not exist, there are {partitions}")]
    Partition { partition: u16, partitions: u16 },
    #[error(
        "events {offset} to {} of partition {partition} are damaged on disk ({reason}); \
         restore the file from a backup, or read on from {next}", .next.saturating_sub(1)
    )]
    Corrupt { partition: u16, offset: u64, next: u64, reason: &'static str },
    #[error("events could not be read: {0}")]
    Storage(Arc<str>),
    #[error("event log is closed")]
    Closed,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TrimError {
    /// What was trimmed before stays trimmed.
    #[error("events could not be trimmed: {0}")]
    Storage(Arc<str>),
    #[error("event log is closed")]
    Closed,
}
