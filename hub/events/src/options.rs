//! What can be set, and what is fixed, with reasons.

use jiff::SignedDuration;

/// What Event Hubs offers to an IoT hub (hub-service §7).
pub const PARTITIONS_MAX: u16 = 32;

/// Four times what a hub accepts from a device: room for what it adds.
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;

#[derive(Clone, Debug)]
pub struct Options {
    /// Fixed when the log is made; opening it with another number is an error. 1 to `PARTITIONS_MAX`.
    pub partitions: u16,
    /// Events waiting for a commit, all callers together; above it `append` waits.
    pub queue_events_max: usize,
    /// The same in bytes.
    pub queue_bytes_max: usize,
    /// Events in one commit: bounds the time a caller waits for others. A call is never divided.
    pub commit_events_max: usize,
    /// The same in bytes.
    pub commit_bytes_max: usize,
    /// The file never grows past this: then appends fail until `trim` has made room. `None`: the disk is the limit.
    pub file_bytes_max: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            partitions: 4, // Azure's default
            queue_events_max: 65_536,
            queue_bytes_max: 32 * 1024 * 1024, // what 64 packets of the largest size need, twice
            commit_events_max: 16_384,
            commit_bytes_max: 8 * 1024 * 1024, // some ten milliseconds of disk
            file_bytes_max: None,
        }
    }
}

/// What may stay. The oldest go first, whole batches at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    pub age: SignedDuration,
    /// All partitions together, as stored, without SQLite's own overhead (a few per cent).
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    pub batches: u64,
    pub events: u64,
    pub bytes: u64,
}
