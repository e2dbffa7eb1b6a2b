//! Every reason to drop a connection for what was sent on it.

use thiserror::Error;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    /// The only one that is answered before closing, with CONNACK and `Refusal::code`.
    #[error("connect refused: {0}")]
    ConnectRefused(#[from] Refusal),
    #[error("{packet} of {bytes} bytes is over the limit of {max}; send smaller ones")]
    TooLarge { packet: &'static str, bytes: usize, max: usize },
    #[error("remaining length takes more than four bytes")]
    RemainingLength,
    #[error("packet type {0} does not exist in MQTT 3.1.1")]
    PacketType(u8),
    #[error("{0} with reserved bits set or cleared against the specification")]
    ReservedBits(&'static str),
    #[error("{0} is not a packet this side may receive")]
    Direction(&'static str),
    #[error("first packet is {0}, must be {1}")]
    First(&'static str, &'static str),
    #[error("second {0} on one connection")]
    Second(&'static str),
    #[error("{0} is shorter or longer than its fields say")]
    Length(&'static str),
    #[error("{0} contains text that is not UTF-8")]
    Utf8(&'static str),
    #[error("{0} contains U+0000 in a text")]
    Null(&'static str),
    #[error("{0} with packet identifier 0; use 1 to 65535")]
    PacketId(&'static str),
    #[error("quality of service 2 is not supported; use 0 or 1")]
    QoS2,
    #[error("quality of service 3 does not exist")]
    QoS3,
    #[error("publish with quality of service 0 marked as duplicate")]
    DupAtMostOnce,
    #[error("{0} with an empty topic")]
    TopicEmpty(&'static str),
    #[error("topic `{0}` has wildcards; only filters may")]
    TopicWildcard(String),
    #[error("{0} without topic filters")]
    FiltersMissing(&'static str),
    #[error("{packet} with more than {max} topic filters; send several packets")]
    FiltersTooMany { packet: &'static str, max: usize },
    #[error("filter `{0}`: must not be empty, `#` must be the whole last level, `+` a whole level")]
    Filter(String),
    #[error("connect flags contradict each other: {0}")]
    ConnectFlags(&'static str),
    #[error("{0} with a return code that does not exist")]
    ReturnCode(&'static str),
    /// Only from `encode`: what was asked for cannot be said in MQTT.
    #[error("{0} cannot be written: {1}")]
    Unwritable(&'static str, &'static str),
}

/// A CONNECT that gets a CONNACK with a code before the connection closes (3.2.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error("protocol name is not `MQTT`; use MQTT 3.1.1")]
    ProtocolName,
    #[error("protocol level {0} is not supported; use 4 (MQTT 3.1.1)")]
    ProtocolLevel(u8),
    #[error("empty client identifier without clean session; send one or set clean session")]
    ClientId,
}

impl Refusal {
    /// CONNACK return code.
    pub fn code(self) -> u8 {
        match self {
            Self::ProtocolName | Self::ProtocolLevel(_) => 1,
            Self::ClientId => 2,
        }
    }
}

/// Longest part of a topic that errors repeat, in characters: they end up in logs.
const EXCERPT_CHARS_MAX: usize = 128;

pub(crate) fn excerpt(text: &str) -> String {
    let shown = |char: char| if char.is_control() { char::REPLACEMENT_CHARACTER } else { char };
    text.chars().take(EXCERPT_CHARS_MAX).map(shown).collect()
}
