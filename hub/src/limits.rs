//! How much of everything one hub takes.

/// D2C message with its properties (hub-device.md §1.8).
pub(crate) const MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// Filters in one SUBSCRIBE. The docs say five, the 2021 preview 50; a hub has eight topics (§1.7).
pub(crate) const FILTERS_MAX: usize = 50;
/// Undelivered `ToDevice` of one session. A device that reads nothing for this long is cut, it fetches its twin when it returns.
pub(crate) const MAILBOX_MAX: usize = 32;
/// Unacknowledged QoS 1 messages to one device.
pub(crate) const IN_FLIGHT_MAX: usize = 16;
/// CA certificates of one hub (§12).
pub(crate) const CA_CERTIFICATES_MAX: usize = 25;

/// Sizes are always on, clients rely on the errors; rates are off unless set.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Identities in the registry.
    pub devices_max: u64,
    /// Live sessions.
    pub connections_max: usize,
    pub message_bytes_max: usize,
    /// New connections of the hub.
    pub connects: Option<Rate>,
    /// D2C messages of the hub.
    pub sends: Option<Rate>,
    /// D2C messages of one device, kept across its connections.
    pub device_sends: Option<Rate>,
    /// Twin reads of the hub, by devices and back ends.
    pub twin_reads: Option<Rate>,
    /// Twin updates of the hub, by devices and back ends.
    pub twin_updates: Option<Rate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub per_s: u32,
    /// What may come at once after a quiet time.
    pub burst: u32,
}

impl Rate {
    /// Azure shapes bursts of about this many seconds before it refuses.
    const BURST_S: u32 = 10;

    pub fn per_s(per_s: u32) -> Self {
        Self { per_s, burst: per_s.saturating_mul(Self::BURST_S) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            devices_max: 1_000_000,     // Azure's number, and what one SQLite file was measured with
            connections_max: 1_000_000, // an identity has one connection; the listener has its own, lower bound
            message_bytes_max: MESSAGE_BYTES_MAX,
            connects: None,
            sends: None,
            device_sends: None,
            twin_reads: None,
            twin_updates: None,
        }
    }
}

impl Limits {
    /// One unit of Azure's S1 (§12), for rehearsing a move in either direction.
    pub fn azure_s1() -> Self {
        Self {
            connects: Some(Rate::per_s(100)),
            sends: Some(Rate::per_s(100)),
            twin_reads: Some(Rate::per_s(100)),
            twin_updates: Some(Rate::per_s(50)),
            ..Self::default()
        }
    }
}
