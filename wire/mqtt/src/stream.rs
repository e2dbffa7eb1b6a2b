//! Packets over any byte stream; an idle one owns no buffer.

use std::{
    cell::Cell,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{decode::Decoder, encode::encode, packet::Packet, violation::Violation};

/// One batch is handled and answered as a whole; longer ones only add latency.
pub const PACKETS_PER_BATCH_MAX: usize = 64;

/// What one read takes from the socket: one TLS record. At most this much is buffered beyond an unfinished packet.
const SCRATCH_BYTES: usize = 16 * 1024;

/// The codec asks for this much room after each packet, and would move the buffer to get it.
const SPARE_BYTES: usize = 2;

thread_local! {
    /// Shared by all streams of a thread: a connection has a buffer only while it has bytes.
    static SCRATCH: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

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
    pub async fn read_batch(&mut self, packets: &mut Vec<Packet>) -> Result<usize, ReadError> {
        poll_fn(|cx| {
            loop {
                let count = self.decode_buffered(packets)?;
                if count > 0 {
                    return Poll::Ready(Ok(count));
                }
                if ready!(self.poll_fill(cx))? == 0 {
                    return Poll::Ready(self.end().map(|()| 0));
                }
            }
        })
        .await
    }

    /// One packet, for CONNECT and for clients that wait for an answer. `None` is the end of the connection. Safe to cancel.
    pub async fn read(&mut self) -> Result<Option<Packet>, ReadError> {
        poll_fn(|cx| {
            loop {
                if let Some(packet) = self.parts.decoder.decode(&mut self.parts.input)? {
                    return Poll::Ready(Ok(Some(packet)));
                }
                if ready!(self.poll_fill(cx))? == 0 {
                    return Poll::Ready(self.end().map(|()| None));
                }
            }
        })
        .await
    }

    /// Encodes all, writes once, flushes. An unwritable packet is refused before any byte of this call is written. When
    /// cancelled, what was not yet written goes first next time.
    pub async fn write(&mut self, packets: &[Packet]) -> Result<(), WriteError> {
        let start = self.parts.output.len();
        for packet in packets {
            if let Err(violation) = encode(packet, &mut self.parts.output) {
                self.parts.output.truncate(start);
                return Err(violation.into());
            }
        }
        poll_fn(|cx| self.poll_write_out(cx)).await.map_err(WriteError::Io)
    }

    /// Writes what a cancelled `write` left and closes the writing side (TLS: sends close_notify).
    pub async fn shutdown(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_write_out(cx)).await?;
        poll_fn(|cx| Pin::new(&mut self.parts.io).poll_shutdown(cx)).await
    }

    fn decode_buffered(&mut self, packets: &mut Vec<Packet>) -> Result<usize, Violation> {
        let mut count = 0;
        while count < PACKETS_PER_BATCH_MAX {
            match self.parts.decoder.decode(&mut self.parts.input) {
                Ok(Some(packet)) => packets.push(packet),
                Ok(None) => break,
                // The decoder repeats it next time.
                Err(_) if count > 0 => break,
                Err(violation) => return Err(violation),
            }
            count += 1;
        }
        Ok(count)
    }

    fn end(&self) -> Result<(), ReadError> {
        if self.parts.input.is_empty() { Ok(()) } else { Err(ReadError::Cut) }
    }

    /// One read into the thread's scratch, appended to the input. On waiting, empty buffers are given back.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Parts { io, input, output, .. } = &mut self.parts;
        let mut scratch = SCRATCH.take().unwrap_or_else(|| vec![0; SCRATCH_BYTES].into_boxed_slice());
        let mut read = ReadBuf::new(&mut scratch);
        let polled = Pin::new(io).poll_read(cx, &mut read);
        let filled = read.filled();
        if polled.is_pending() {
            drop_if_empty(input);
            drop_if_empty(output);
        } else if !filled.is_empty() {
            let needed = filled.len() + SPARE_BYTES;
            // Without this a buffer still used by packets would be followed by one of the same size, however little is needed.
            if input.is_empty() && !input.try_reclaim(needed) {
                *input = BytesMut::with_capacity(needed);
            }
            input.reserve(needed);
            input.extend_from_slice(filled);
        }
        let count = read.filled().len();
        SCRATCH.set(Some(scratch));
        polled.map_ok(|()| count)
    }

    fn poll_write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Parts { io, output, .. } = &mut self.parts;
        while !output.is_empty() {
            match ready!(Pin::new(&mut *io).poll_write(cx, output))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => output.advance(count),
            }
        }
        Pin::new(io).poll_flush(cx)
    }
}

fn drop_if_empty(buffer: &mut BytesMut) {
    if buffer.is_empty() {
        *buffer = BytesMut::new();
    }
}
