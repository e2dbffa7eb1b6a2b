//! Packets to bytes.

use bytes::BytesMut;
use bytestring::ByteString;
use rmqtt_codec::{error::EncodeError, types::Protocol, v3};
use tokio_util::codec::Encoder as _;

use crate::{
    decode::FILTERS_PER_PACKET_MAX,
    packet::{Connect, Packet, Publish, QoS, SUBACK_FAILURE},
    topic,
    violation::Violation,
};

/// Four bytes of seven bits (2.2.3).
const REMAINING_BYTES_MAX: usize = (1 << 28) - 1;
/// Two bytes (1.5.3); also the longest password and will message.
const TEXT_BYTES_MAX: usize = u16::MAX as usize;

/// Appends to `target`; on an error nothing is appended.
pub fn encode(packet: &Packet, target: &mut BytesMut) -> Result<(), Violation> {
    let start = target.len();
    let packet_name = packet.name();
    v3::Codec::new(0).encode(to_codec(packet)?, target).map_err(|error| {
        target.truncate(start);
        from_codec_error(packet_name, &error)
    })
}

fn to_codec(packet: &Packet) -> Result<v3::Packet, Violation> {
    Ok(match packet {
        Packet::Connect(connect) => connect_to_codec(connect)?,
        Packet::ConnAck { session_present, code } => v3::Packet::ConnectAck(v3::ConnectAck {
            return_code: v3::ConnectAckReason::try_from(*code)
                .ok()
                .filter(|code| *code != v3::ConnectAckReason::Reserved)
                .ok_or(Violation::ReturnCode(packet.name()))?,
            session_present: *session_present && *code == 0,
        }),
        Packet::Publish(publish) => publish_to_codec(publish)?,
        Packet::PubAck(packet_id) => v3::Packet::PublishAck { packet_id: *packet_id },
        Packet::Subscribe { packet_id, filters } => {
            check_filters(packet.name(), filters.iter().map(|(filter, _)| filter))?;
            v3::Packet::Subscribe {
                packet_id: *packet_id,
                topic_filters: filters
                    .iter()
                    .map(|(filter, qos)| (ByteString::from(filter.as_str()), qos_to_codec(*qos)))
                    .collect(),
            }
        }
        Packet::SubAck { codes, .. } if codes.is_empty() => {
            return Err(Violation::Unwritable(packet.name(), "no return codes"));
        }
        Packet::SubAck { packet_id, codes } => v3::Packet::SubscribeAck {
            packet_id: *packet_id,
            status: codes.iter().map(|code| suback_code(*code)).collect::<Result<_, _>>()?,
        },
        Packet::Unsubscribe { packet_id, filters } => {
            check_filters(packet.name(), filters.iter())?;
            v3::Packet::Unsubscribe {
                packet_id: *packet_id,
                topic_filters: filters.iter().map(|filter| ByteString::from(filter.as_str())).collect(),
            }
        }
        Packet::UnsubAck(packet_id) => v3::Packet::UnsubscribeAck { packet_id: *packet_id },
        Packet::PingReq => v3::Packet::PingRequest,
        Packet::PingResp => v3::Packet::PingResponse,
        Packet::Disconnect => v3::Packet::Disconnect,
    })
}

/// Clones of topic and payload are counted references. Wildcards are the caller's affair: device ids may hold them.
fn publish_to_codec(publish: &Publish) -> Result<v3::Packet, Violation> {
    let name = "PUBLISH";
    topic::check_text(name, &publish.topic)?;
    if publish.dup && publish.qos == QoS::AtMostOnce {
        return Err(Violation::DupAtMostOnce);
    }
    if publish.payload.len() + publish.topic.len() + 4 > REMAINING_BYTES_MAX {
        return Err(Violation::Unwritable(name, "longer than a packet can be"));
    }
    Ok(v3::Packet::Publish(Box::new(rmqtt_codec::types::Publish {
        dup: publish.dup,
        retain: publish.retain,
        qos: qos_to_codec(publish.qos),
        topic: publish.topic.clone(),
        packet_id: publish.packet_id,
        payload: publish.payload.clone(),
        properties: None,
    })))
}

fn connect_to_codec(connect: &Connect) -> Result<v3::Packet, Violation> {
    let name = "CONNECT";
    if connect.client_id.is_empty() && !connect.clean_session {
        return Err(crate::Refusal::ClientId.into());
    }
    if connect.password.is_some() && connect.username.is_none() {
        return Err(Violation::ConnectFlags("password without a user name"));
    }
    topic::check_null(name, &connect.client_id)?;
    topic::check_null(name, connect.username.as_deref().unwrap_or_default())?;
    if let Some(will) = &connect.will {
        topic::check_text(name, &will.topic)?;
    }
    Ok(v3::Packet::Connect(Box::new(v3::Connect {
        protocol: Protocol::default(),
        clean_session: connect.clean_session,
        keep_alive: connect.keep_alive_s,
        last_will: connect.will.as_ref().map(|will| v3::LastWill {
            qos: qos_to_codec(will.qos),
            retain: will.retain,
            topic: will.topic.clone(),
            message: will.payload.clone(),
        }),
        client_id: ByteString::from(connect.client_id.as_str()),
        username: connect.username.as_deref().map(ByteString::from),
        password: connect.password.clone(),
        cert: None,
    })))
}

fn check_filters<'a>(
    packet: &'static str,
    filters: impl ExactSizeIterator<Item = &'a String>,
) -> Result<(), Violation> {
    if filters.len() == 0 {
        return Err(Violation::FiltersMissing(packet));
    }
    if filters.len() > FILTERS_PER_PACKET_MAX {
        return Err(Violation::FiltersTooMany { packet, max: FILTERS_PER_PACKET_MAX });
    }
    for filter in filters {
        topic::check_null(packet, filter)?;
        if filter.is_empty() {
            return Err(Violation::Filter(String::new()));
        }
        if filter.len() > TEXT_BYTES_MAX {
            return Err(Violation::Unwritable(packet, "a filter is longer than 65,535 bytes"));
        }
    }
    Ok(())
}

fn suback_code(code: u8) -> Result<v3::SubscribeReturnCode, Violation> {
    match code {
        SUBACK_FAILURE => Ok(v3::SubscribeReturnCode::Failure),
        code => v3::QoS::try_from(code)
            .map(v3::SubscribeReturnCode::Success)
            .map_err(|_| Violation::ReturnCode("SUBACK")),
    }
}

fn qos_to_codec(qos: QoS) -> v3::QoS {
    match qos {
        QoS::AtMostOnce => v3::QoS::AtMostOnce,
        QoS::AtLeastOnce => v3::QoS::AtLeastOnce,
    }
}

fn from_codec_error(packet: &'static str, error: &EncodeError) -> Violation {
    match error {
        EncodeError::PacketIdRequired => {
            Violation::Unwritable(packet, "at least once without packet identifier")
        }
        EncodeError::MalformedPacket => Violation::Unwritable(packet, "at most once with packet identifier"),
        EncodeError::InvalidLength | EncodeError::OverMaxPacketSize { .. } => {
            Violation::Unwritable(packet, "a field is longer than 65,535 bytes")
        }
        EncodeError::UnsupportedVersion | EncodeError::Io(_) => {
            Violation::Unwritable(packet, "not in this version")
        }
    }
}
