//! The fixed header (2.2): who may send what, with which flags and how long, judged before a byte more is kept.

use crate::violation::Violation;

/// Which end of the connection is reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Connect,
    ConnAck,
    Publish,
    PubAck,
    Subscribe,
    SubAck,
    Unsubscribe,
    UnsubAck,
    PingReq,
    PingResp,
    Disconnect,
}

pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Of the fixed header itself.
    pub(crate) bytes: usize,
    /// Of what follows it.
    pub(crate) remaining: usize,
}

impl Header {
    /// `None`: more bytes are needed. The first byte alone is enough to refuse.
    pub(crate) fn read(source: &[u8], side: Side) -> Result<Option<Self>, Violation> {
        let Some((&first, rest)) = source.split_first() else { return Ok(None) };
        let kind = Kind::of(first)?;
        kind.check_flags(first & 0x0f)?;
        kind.check_direction(side)?;
        let Some((remaining, length_bytes)) = remaining_length(rest)? else { return Ok(None) };
        kind.check_length(remaining)?;
        Ok(Some(Self { kind, bytes: 1 + length_bytes, remaining }))
    }
}

impl Kind {
    /// Packet type (2.2.1). PUBREC, PUBREL and PUBCOMP exist only for QoS 2.
    fn of(first: u8) -> Result<Self, Violation> {
        Ok(match first >> 4 {
            1 => Self::Connect,
            2 => Self::ConnAck,
            3 => Self::Publish,
            4 => Self::PubAck,
            5..=7 => return Err(Violation::QoS2),
            8 => Self::Subscribe,
            9 => Self::SubAck,
            10 => Self::Unsubscribe,
            11 => Self::UnsubAck,
            12 => Self::PingReq,
            13 => Self::PingResp,
            14 => Self::Disconnect,
            other => return Err(Violation::PacketType(other)),
        })
    }

    /// Flags (2.2.2): DUP, two bits of QoS and RETAIN in a PUBLISH, fixed in all others.
    fn check_flags(self, flags: u8) -> Result<(), Violation> {
        let fixed = match self {
            Self::Publish => {
                return match (flags >> 1) & 0b11 {
                    0 if flags & 0b1000 != 0 => Err(Violation::DupAtMostOnce),
                    0 | 1 => Ok(()),
                    2 => Err(Violation::QoS2),
                    _ => Err(Violation::QoS3),
                };
            }
            Self::Subscribe | Self::Unsubscribe => 0b0010,
            Self::Connect
            | Self::ConnAck
            | Self::PubAck
            | Self::SubAck
            | Self::UnsubAck
            | Self::PingReq
            | Self::PingResp
            | Self::Disconnect => 0,
        };
        if flags == fixed { Ok(()) } else { Err(Violation::ReservedBits(self.name())) }
    }

    fn check_direction(self, side: Side) -> Result<(), Violation> {
        let from = match self {
            Self::Publish | Self::PubAck => return Ok(()),
            Self::Connect | Self::Subscribe | Self::Unsubscribe | Self::PingReq | Self::Disconnect => {
                Side::Server
            }
            Self::ConnAck | Self::SubAck | Self::UnsubAck | Self::PingResp => Side::Client,
        };
        if from == side { Ok(()) } else { Err(Violation::Direction(self.name())) }
    }

    fn check_length(self, remaining: usize) -> Result<(), Violation> {
        let fits = match self {
            Self::PingReq | Self::PingResp | Self::Disconnect => remaining == 0,
            Self::ConnAck | Self::PubAck | Self::UnsubAck => remaining == 2,
            Self::Subscribe | Self::Unsubscribe if remaining == 2 => {
                return Err(Violation::FiltersMissing(self.name()));
            }
            Self::Subscribe | Self::Unsubscribe | Self::SubAck => remaining > 2,
            Self::Connect | Self::Publish => remaining >= 2,
        };
        if fits { Ok(()) } else { Err(Violation::Length(self.name())) }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::ConnAck => "CONNACK",
            Self::Publish => "PUBLISH",
            Self::PubAck => "PUBACK",
            Self::Subscribe => "SUBSCRIBE",
            Self::SubAck => "SUBACK",
            Self::Unsubscribe => "UNSUBSCRIBE",
            Self::UnsubAck => "UNSUBACK",
            Self::PingReq => "PINGREQ",
            Self::PingResp => "PINGRESP",
            Self::Disconnect => "DISCONNECT",
        }
    }
}

/// Remaining length (2.2.3): seven bits a byte, least significant first, four bytes at most.
fn remaining_length(source: &[u8]) -> Result<Option<(usize, usize)>, Violation> {
    let mut length = 0;
    for (at, &byte) in source.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((length, at + 1)));
        }
    }
    if source.len() >= 4 { Err(Violation::RemainingLength) } else { Ok(None) }
}
