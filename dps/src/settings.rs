//! What an instance is told when it starts.

use muster_identity::{AccessPolicy, HostName};

/// Seconds a device is told to wait before it polls: what the real service says, and within what every SDK accepts (dps.md §2.2).
pub const RETRY_AFTER_S: u32 = 3;

#[derive(Debug, Clone)]
pub struct Settings {
    pub id_scope: String,
    /// The name of the service endpoint: what service tokens are for.
    pub host: HostName,
    pub policies: Vec<AccessPolicy>,
    /// Never 0: Node polls in a loop without a pause then.
    pub retry_after_s: u32,
    pub limits: Limits,
}

/// Bounds an operator may move. The others are constants next to what they bound.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests from one address, sustained and at once. Generous: a factory line often stands behind one address.
    pub source_per_s: u32,
    pub source_burst: u32,
    /// Requests for one registration id: far above what any SDK does, far below what a loop gone wild does.
    pub identity_per_s: u32,
    pub identity_burst: u32,
    /// Traces kept, by number and by age.
    pub traces_max: u64,
    pub trace_age_s: i64,
}

impl Settings {
    pub fn new(id_scope: impl Into<String>, host: HostName, policies: Vec<AccessPolicy>) -> Self {
        Self {
            id_scope: id_scope.into(),
            host,
            policies,
            retry_after_s: RETRY_AFTER_S,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            source_per_s: 50_000,
            source_burst: 200_000,
            identity_per_s: 10,
            identity_burst: 100,
            traces_max: 100_000, // some 100 MB
            trace_age_s: 7 * 24 * 3600,
        }
    }
}
