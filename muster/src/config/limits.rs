//! Every limit of the listeners, with its default and the reason for it.

use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Limits {
    /// Accepted sockets, all listeners together.
    pub connections_max: usize,
    /// New connections a second from one address, sustained.
    pub connects_per_s: u32,
    /// New connections at once from one address.
    pub connects_burst: u32,
    pub handshake_timeout: Duration,
    /// From the end of the handshake to a complete CONNECT.
    pub first_packet_timeout: Duration,
    /// From one HTTP response to the whole head of the next request.
    pub request_head_timeout: Duration,
    pub request_body_timeout: Duration,
    /// A peer that takes nothing for so long is dead.
    pub write_timeout: Duration,
    pub request_body_bytes_max: usize,
    /// How long open connections may take to end when the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // At 20 KB for an idle device: 1 GB.
            connections_max: 50_000,
            // Above what two cores can shake hands with, so that it stops a flood and not a fleet behind one NAT.
            connects_per_s: 5_000,
            connects_burst: 20_000,
            // A microcontroller needs up to 5 s for its half of an ECDHE handshake.
            handshake_timeout: Duration::from_secs(10),
            // What Azure documents (hub-device.md §1.4).
            first_packet_timeout: Duration::from_secs(30),
            // Also ends idle keep-alive connections, which back ends like to come back to.
            request_head_timeout: Duration::from_secs(60),
            request_body_timeout: Duration::from_secs(30),
            // Longer than any retransmission pause a living radio link shows.
            write_timeout: Duration::from_secs(30),
            // 100 devices in one bulk call, with their twins.
            request_body_bytes_max: 1024 * 1024,
            // Under the 90 s after which systemd kills, above one fsync on a slow disk.
            drain: Duration::from_secs(10),
        }
    }
}

/// How long a hub's event log keeps what devices sent; whichever bound is met first.
#[derive(Debug, Clone)]
pub struct Retention {
    pub age: Duration,
    pub bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        // Azure's longest (7 days), and a size that a small disk survives.
        Self { age: Duration::from_secs(7 * 24 * 3600), bytes: 10 * 1024 * 1024 * 1024 }
    }
}
