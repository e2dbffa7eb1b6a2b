//! Bytes to packets and back.

use bytes::BytesMut;

use crate::{packet::Packet, violation::Violation};

/// What a peer may send, judged from the fixed header before anything else is buffered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest packet, all of it.
    pub packet_bytes_max: usize,
    /// Largest first packet (CONNECT at a server): until then the peer is a stranger.
    pub first_packet_bytes_max: usize,
}

impl Default for Limits {
    /// The hub's message limit (256 KiB) plus the longest topic, so that "too large" is the hub's decision; a will of 64 KiB
    /// fits a CONNECT.
    fn default() -> Self {
        Self { packet_bytes_max: 256 * 1024 + 66_000, first_packet_bytes_max: 80 * 1024 }
    }
}

#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
}

impl Decoder {
    /// Reads what clients send. The first packet must be CONNECT, and there is only one.
    pub fn for_server(limits: Limits) -> Self {
        Self { limits }
    }

    /// Reads what servers send. The first packet must be CONNACK, and there is only one.
    pub fn for_client(limits: Limits) -> Self {
        Self { limits }
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// `Ok(None)`: more bytes are needed. After an error the connection is to be closed.
    pub fn decode(&mut self, _source: &mut BytesMut) -> Result<Option<Packet>, Violation> {
        Ok(None)
    }
}

/// Appends to `target`; on an error nothing is appended.
pub fn encode(_packet: &Packet, _target: &mut BytesMut) -> Result<(), Violation> {
    Ok(())
}
