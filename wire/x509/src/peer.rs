//! Who is at the other end of a connection, as far as the TLS handshake can tell.

use std::{fmt, net::SocketAddr, sync::Arc};

use jiff::Timestamp;

use crate::{Certificate, Malformed};

/// The handshake proved possession of the leaf's key and judged nothing else: each request decides anew.
#[derive(Debug, Clone)]
pub struct Peer {
    pub address: SocketAddr,
    /// DER as presented, leaf first; empty when the client sent none.
    pub chain: Arc<[Vec<u8>]>,
    /// The instant of the request.
    pub at: Timestamp,
    pub server_name: Option<Arc<str>>,
}

/// What only the two ends of one TLS connection know (RFC 9266, `tls-exporter`): a text that has it was made for that
/// connection. Not shown, for who reads it could claim so.
#[derive(Clone, Copy)]
pub struct ChannelBinding([u8; ChannelBinding::BYTES]);

impl ChannelBinding {
    pub const BYTES: usize = 32;
    /// For the exporter, without a context (RFC 9266 section 2).
    pub const LABEL: &[u8] = b"EXPORTER-Channel-Binding";

    pub fn new(exported: [u8; Self::BYTES]) -> Self {
        Self(exported)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ChannelBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelBinding(redacted)")
    }
}

impl Peer {
    /// The chain, read; leaf first. Reading is lenient, so this says nothing about trust.
    pub fn certificates(&self) -> Result<Vec<Certificate>, Malformed> {
        self.chain.iter().map(|der| Certificate::parse(der)).collect()
    }

    /// The certificate whose key the peer holds; none when it sent none.
    pub fn leaf(&self) -> Option<Result<Certificate, Malformed>> {
        self.chain.first().map(|der| Certificate::parse(der))
    }
}
