//! MQTT 3.1.1 on the wire: packets, their codec with the checks a server needs, and a stream of them.
//!
//! The bytes are read and written by `rmqtt-codec`; nothing of it shows here, so it can be replaced.

mod codec;
mod packet;
mod stream;
mod violation;

pub use bytestring::ByteString;

pub use codec::{Decoder, Limits, encode};
pub use packet::{Connect, Packet, Publish, QoS, SUBACK_FAILURE};
pub use stream::{PACKETS_PER_BATCH_MAX, Parts, ReadError, Stream, WriteError};
pub use violation::{Refusal, Violation};
