//! Who is at the other end of a connection, as far as the TLS handshake can tell.

use std::{net::SocketAddr, sync::Arc};

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
