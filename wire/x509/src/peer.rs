//! Who is at the other end of a connection, as far as the TLS handshake can tell.

use std::{net::SocketAddr, sync::Arc};

use jiff::Timestamp;

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
