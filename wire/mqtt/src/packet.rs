//! The packets of MQTT 3.1.1 as the rest of the house sees them: no QoS 2, nothing unchecked.

use std::num::NonZeroU16;

use bytes::Bytes;
use bytestring::ByteString;

/// SUBACK return code for a filter that was not granted (3.9.3).
pub const SUBACK_FAILURE: u8 = 0x80;

/// Exactly once is not offered: a QoS 2 PUBLISH is a violation, a QoS 2 SUBSCRIBE is granted as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QoS {
    AtMostOnce,
    AtLeastOnce,
}

/// Topic and payload are slices of the buffer they were read into: cheap to clone, but they keep that buffer alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    pub topic: ByteString,
    pub payload: Bytes,
    pub qos: QoS,
    pub retain: bool,
    pub dup: bool,
    /// There is one exactly when `qos` is at least once (2.3.1). A will has none.
    pub packet_id: Option<NonZeroU16>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Connect {
    pub client_id: String,
    pub username: Option<String>,
    /// Often a secret; `Debug` does not show it.
    pub password: Option<Bytes>,
    pub clean_session: bool,
    pub keep_alive_s: u16,
    /// QoS 2 arrives as at least once; `packet_id` is `None`, `dup` is false.
    pub will: Option<Publish>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    Connect(Box<Connect>),
    ConnAck {
        session_present: bool,
        code: u8,
    },
    Publish(Publish),
    PubAck(NonZeroU16),
    Subscribe {
        packet_id: NonZeroU16,
        filters: Vec<(String, QoS)>,
    },
    /// Codes: 0, 1 (granted QoS) or `SUBACK_FAILURE`.
    SubAck {
        packet_id: NonZeroU16,
        codes: Vec<u8>,
    },
    Unsubscribe {
        packet_id: NonZeroU16,
        filters: Vec<String>,
    },
    UnsubAck(NonZeroU16),
    PingReq,
    PingResp,
    Disconnect,
}

impl Packet {
    /// The name the specification gives this packet.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Connect(_) => "CONNECT",
            Self::ConnAck { .. } => "CONNACK",
            Self::Publish(_) => "PUBLISH",
            Self::PubAck(_) => "PUBACK",
            Self::Subscribe { .. } => "SUBSCRIBE",
            Self::SubAck { .. } => "SUBACK",
            Self::Unsubscribe { .. } => "UNSUBSCRIBE",
            Self::UnsubAck(_) => "UNSUBACK",
            Self::PingReq => "PINGREQ",
            Self::PingResp => "PINGRESP",
            Self::Disconnect => "DISCONNECT",
        }
    }
}

impl std::fmt::Debug for Connect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connect")
            .field("client_id", &self.client_id)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "redacted"))
            .field("clean_session", &self.clean_session)
            .field("keep_alive_s", &self.keep_alive_s)
            .field("will", &self.will)
            .finish()
    }
}
