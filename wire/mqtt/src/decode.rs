//! Bytes to packets: `rmqtt-codec` reads the fields, and what it lets pass is checked here.

use std::num::NonZeroU16;

use bytes::BytesMut;
use rmqtt_codec::{error::DecodeError, v3};
use tokio_util::codec::Decoder as _;

use crate::{
    connect,
    header::{Header, Kind, Side},
    packet::{Packet, Publish, QoS, SUBACK_FAILURE},
    topic::{self, OwnLevels},
    violation::Violation,
};

/// Filters in one SUBSCRIBE or UNSUBSCRIBE. Clients send up to seven; without a bound a packet full of one-letter filters would
/// take fourteen times its size.
pub const FILTERS_PER_PACKET_MAX: usize = 64;

/// What a peer may send, judged from the fixed header before anything else is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest packet, all of it.
    pub packet_bytes_max: usize,
    /// Largest first packet (CONNECT at a server): until then the peer is a stranger.
    pub first_packet_bytes_max: usize,
}

impl Default for Limits {
    /// The hub's message limit (256 KiB) plus the longest topic, so that "too large" is the hub's decision; a will of 64 KiB
    /// fits a CONNECT.
    fn default() -> Self {
        Self { packet_bytes_max: 256 * 1024 + 66_000, first_packet_bytes_max: 80 * 1024 }
    }
}

#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    side: Side,
    stage: Stage,
    own: OwnLevels,
}

#[derive(Debug)]
enum Stage {
    First,
    Open,
    Failed(Violation),
}

impl Decoder {
    /// Reads what clients send. The first packet must be CONNECT, and there is only one.
    pub fn for_server(limits: Limits) -> Self {
        Self { limits, side: Side::Server, stage: Stage::First, own: OwnLevels::default() }
    }

    /// Reads what servers send. The first packet must be CONNACK, and there is only one.
    pub fn for_client(limits: Limits) -> Self {
        Self { limits, side: Side::Client, stage: Stage::First, own: OwnLevels::default() }
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// `Ok(None)`: more bytes are needed. After an error every call gives the same error.
    pub fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Packet>, Violation> {
        if let Stage::Failed(violation) = &self.stage {
            return Err(violation.clone());
        }
        self.decode_next(source).inspect_err(|violation| self.stage = Stage::Failed(violation.clone()))
    }

    fn decode_next(&mut self, source: &mut BytesMut) -> Result<Option<Packet>, Violation> {
        let Some(header) = Header::read(source, self.side)? else { return Ok(None) };
        self.check_turn(header.kind)?;
        let bytes = header.bytes + header.remaining;
        let max = match self.stage {
            Stage::First => self.limits.first_packet_bytes_max,
            Stage::Open | Stage::Failed(_) => self.limits.packet_bytes_max,
        };
        if bytes > max {
            return Err(Violation::TooLarge { packet: header.kind.name(), bytes, max });
        }
        let Some(body) = source.get(header.bytes..bytes) else { return Ok(None) };
        check_body(header.kind, body)?;
        // Stateless for whole packets. Sizes were checked above.
        let decoded =
            v3::Codec::new(0).decode(source).map_err(|error| from_codec_error(header.kind, &error))?;
        let Some((packet, _)) = decoded else { return Ok(None) };
        let packet = self.checked(packet, header.remaining)?;
        self.stage = Stage::Open;
        Ok(Some(packet))
    }

    /// CONNECT first and once (3.1); for the other side that is CONNACK.
    fn check_turn(&self, kind: Kind) -> Result<(), Violation> {
        let opening = match self.side {
            Side::Server => Kind::Connect,
            Side::Client => Kind::ConnAck,
        };
        match (&self.stage, kind == opening) {
            (Stage::First, false) => Err(Violation::First(kind.name(), opening.name())),
            (Stage::Open, true) => Err(Violation::Second(opening.name())),
            _ => Ok(()),
        }
    }

    fn checked(&mut self, packet: v3::Packet, remaining: usize) -> Result<Packet, Violation> {
        Ok(match packet {
            v3::Packet::Connect(connect) => {
                let connect = connect::from_codec(*connect, remaining)?;
                self.own = OwnLevels::of(&connect.client_id);
                Packet::Connect(Box::new(connect))
            }
            v3::Packet::ConnectAck(ack) => conn_ack(ack)?,
            v3::Packet::Publish(publish) => {
                let publish = *publish;
                match self.side {
                    Side::Server => topic::check_name(Kind::Publish.name(), &publish.topic, &self.own)?,
                    Side::Client => topic::check_text(Kind::Publish.name(), &publish.topic)?,
                }
                Packet::Publish(Publish {
                    topic: publish.topic,
                    payload: publish.payload,
                    qos: qos(publish.qos),
                    retain: publish.retain,
                    dup: publish.dup,
                    packet_id: publish.packet_id,
                })
            }
            v3::Packet::PublishAck { packet_id } => Packet::PubAck(packet_id),
            v3::Packet::Subscribe { packet_id, topic_filters } => {
                let mut filters = Vec::with_capacity(topic_filters.len());
                for (filter, requested) in topic_filters {
                    topic::check_filter(Kind::Subscribe.name(), &filter, &self.own)?;
                    filters.push((filter.to_string(), qos(requested)));
                }
                Packet::Subscribe { packet_id, filters }
            }
            v3::Packet::SubscribeAck { packet_id, status } => {
                Packet::SubAck { packet_id, codes: status.into_iter().map(suback_code).collect() }
            }
            v3::Packet::Unsubscribe { packet_id, topic_filters } => {
                let mut filters = Vec::with_capacity(topic_filters.len());
                for filter in topic_filters {
                    topic::check_filter(Kind::Unsubscribe.name(), &filter, &self.own)?;
                    filters.push(filter.to_string());
                }
                Packet::Unsubscribe { packet_id, filters }
            }
            v3::Packet::UnsubscribeAck { packet_id } => Packet::UnsubAck(packet_id),
            v3::Packet::PingRequest => Packet::PingReq,
            v3::Packet::PingResponse => Packet::PingResp,
            v3::Packet::Disconnect => Packet::Disconnect,
            v3::Packet::PublishReceived { .. }
            | v3::Packet::PublishRelease { .. }
            | v3::Packet::PublishComplete { .. } => return Err(Violation::QoS2),
        })
    }
}

/// What the codec would not notice, or would notice only after taking memory for it.
fn check_body(kind: Kind, body: &[u8]) -> Result<(), Violation> {
    match kind {
        Kind::Connect => connect::check_start(body),
        Kind::PubAck | Kind::UnsubAck | Kind::SubAck => check_packet_id(kind, body),
        Kind::Subscribe | Kind::Unsubscribe => {
            check_packet_id(kind, body)?;
            check_filters(kind, body)
        }
        Kind::ConnAck | Kind::Publish | Kind::PingReq | Kind::PingResp | Kind::Disconnect => Ok(()),
    }
}

/// Non-zero (2.3.1), at the start of these packets.
fn check_packet_id(kind: Kind, body: &[u8]) -> Result<(), Violation> {
    match body.first_chunk::<2>().copied().map(u16::from_be_bytes).map(NonZeroU16::new) {
        Some(Some(_)) => Ok(()),
        Some(None) => Err(Violation::PacketId(kind.name())),
        None => Err(Violation::Length(kind.name())),
    }
}

/// Number of filters, and the reserved bits of their options byte (3.8.3), which the codec masks.
fn check_filters(kind: Kind, body: &[u8]) -> Result<(), Violation> {
    let mut rest = body.get(2..).unwrap_or_default();
    let mut count = 0;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        count += 1;
        if count > FILTERS_PER_PACKET_MAX {
            return Err(Violation::FiltersTooMany { packet: kind.name(), max: FILTERS_PER_PACKET_MAX });
        }
        let after = after.get(usize::from(u16::from_be_bytes(*length))..);
        rest = after.ok_or(Violation::Length(kind.name()))?;
        if kind == Kind::Subscribe {
            match rest.split_first() {
                Some((0..=2, after)) => rest = after,
                Some((3, _)) => return Err(Violation::QoS3),
                Some(_) => return Err(Violation::ReservedBits(kind.name())),
                None => return Err(Violation::Length(kind.name())),
            }
        }
    }
    if rest.is_empty() { Ok(()) } else { Err(Violation::Length(kind.name())) }
}

/// A session can only be present where a connection was accepted (3.2.2.2).
fn conn_ack(ack: v3::ConnectAck) -> Result<Packet, Violation> {
    let code = u8::from(ack.return_code);
    if ack.return_code == v3::ConnectAckReason::Reserved || (ack.session_present && code != 0) {
        return Err(Violation::ReturnCode(Kind::ConnAck.name()));
    }
    Ok(Packet::ConnAck { session_present: ack.session_present, code })
}

fn suback_code(status: v3::SubscribeReturnCode) -> u8 {
    match status {
        v3::SubscribeReturnCode::Success(granted) => granted.into(),
        v3::SubscribeReturnCode::Failure => SUBACK_FAILURE,
    }
}

/// A PUBLISH with QoS 2 does not come this far; a subscription with it is granted as at least once (hub-device §1.7).
fn qos(qos: v3::QoS) -> QoS {
    match qos {
        v3::QoS::AtMostOnce => QoS::AtMostOnce,
        v3::QoS::AtLeastOnce | v3::QoS::ExactlyOnce => QoS::AtLeastOnce,
    }
}

fn from_codec_error(kind: Kind, error: &DecodeError) -> Violation {
    let packet = kind.name();
    match error {
        DecodeError::Utf8Error => Violation::Utf8(packet),
        DecodeError::InvalidClientId => Violation::ConnectRefused(crate::Refusal::ClientId),
        DecodeError::InvalidTopicName => Violation::TopicEmpty(packet),
        DecodeError::InvalidTopicFilter => Violation::Filter(String::new()),
        DecodeError::ConnAckReservedFlagSet => Violation::ReservedBits(packet),
        // Of what these can mean, the rest was checked before.
        DecodeError::MalformedPacket if matches!(kind, Kind::ConnAck | Kind::SubAck) => {
            Violation::ReturnCode(packet)
        }
        DecodeError::MalformedPacket | DecodeError::PacketIdRequired => Violation::PacketId(packet),
        DecodeError::InvalidLength
        | DecodeError::InvalidProtocol
        | DecodeError::UnsupportedProtocolLevel
        | DecodeError::ConnectReservedFlagSet
        | DecodeError::InvalidConnectFlags
        | DecodeError::UnsupportedPacketType
        | DecodeError::MaxSizeExceeded { .. }
        | DecodeError::Io(_) => Violation::Length(packet),
    }
}
