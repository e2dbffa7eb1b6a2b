//! MQTT 3.1.1 on the wire: packets, their codec with the checks a server needs, and a stream of them.
//!
//! The bytes are read and written by `rmqtt-codec`; nothing of it shows here, so it can be replaced.

mod connect;
mod decode;
mod encode;
mod header;
mod packet;
mod stream;
mod topic;
mod violation;

pub use bytestring::ByteString;

pub use decode::{Decoder, FILTERS_PER_PACKET_MAX, Limits};
pub use encode::encode;
pub use packet::{Connect, Packet, Publish, QoS, SUBACK_FAILURE};
pub use stream::{PACKETS_PER_BATCH_MAX, Parts, ReadError, Stream, WriteError};
pub use violation::{Refusal, Violation};
