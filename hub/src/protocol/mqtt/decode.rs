//! A packet as a `FromDevice`. The own id is compared as bytes, never by wildcards: ids contain `+` and `#` (T-12).

use bytes::{Bytes, BytesMut};
use muster_mqtt::{ByteString, Packet, Publish, QoS};

use super::PacketIds;
use crate::session::{Disconnect, Filter, FromDevice, Session, Subject, shown};

/// Every packet after CONNECT. A PUBACK frees its packet id.
pub fn decode(session: &Session, ids: &mut PacketIds, packet: Packet) -> Result<FromDevice, Disconnect> {
    let own = session.device().as_str();
    match packet {
        Packet::Publish(publish) => decode_publish(own, publish),
        Packet::PubAck(packet_id) => {
            ids.release(packet_id);
            Ok(FromDevice::Received(packet_id))
        }
        Packet::PingReq => Ok(FromDevice::Ping),
        Packet::Subscribe { packet_id, filters } => {
            let filters = filters.into_iter().map(|(filter, qos)| decode_filter(own, filter, qos)).collect();
            Ok(FromDevice::Subscribe { packet_id, filters })
        }
        Packet::Unsubscribe { packet_id, filters } => {
            let filters =
                filters.into_iter().map(|filter| decode_filter(own, filter, QoS::AtMostOnce)).collect();
            Ok(FromDevice::Unsubscribe { packet_id, filters })
        }
        Packet::Disconnect => Ok(FromDevice::Goodbye),
        Packet::Connect(_)
        | Packet::ConnAck { .. }
        | Packet::SubAck { .. }
        | Packet::UnsubAck(_)
        | Packet::PingResp => Err(Disconnect::Protocol(format!("{} from a connected device", packet.name()))),
    }
}

/// The property bag of a telemetry topic of this device; also for wills.
pub(super) fn telemetry_bag(own: &str, topic: &str) -> Option<std::ops::Range<usize>> {
    const BEFORE: &str = "devices/";
    const AFTER: &str = "/messages/events";
    let bag = topic.strip_prefix(BEFORE)?.strip_prefix(own)?.strip_prefix(AFTER)?;
    let mut start = BEFORE.len() + own.len() + AFTER.len();
    let mut end = topic.len();
    match bag.as_bytes().first() {
        None => return Some(start..end),
        Some(b'/') => start += 1,
        Some(_) => return None, // `/messages/eventsABC`
    }
    // one leading `?` and one trailing slash belong to nobody (§2.1)
    if topic[start..].starts_with('?') {
        start += 1;
    }
    if end > start && topic.ends_with('/') {
        end -= 1;
    }
    Some(start..end)
}

/// With what the flags of the PUBLISH say (§1.8): they have no meaning here but are not lost.
pub(super) fn with_flags(bag: Bytes, retain: bool, dup: bool) -> Bytes {
    if !retain && !dup {
        return bag;
    }
    let mut flagged = BytesMut::from(&*bag);
    for property in
        [retain.then_some("mqtt-retain=true"), dup.then_some("mqtt-dup=true")].into_iter().flatten()
    {
        if !flagged.is_empty() {
            flagged.extend_from_slice(b"&");
        }
        flagged.extend_from_slice(property.as_bytes());
    }
    flagged.freeze()
}

fn decode_publish(own: &str, publish: Publish) -> Result<FromDevice, Disconnect> {
    let Publish { topic, payload: body, qos: _, retain, dup, packet_id } = publish;
    if let Some(bag) = telemetry_bag(own, &topic) {
        let properties = with_flags(topic.into_bytes().slice(bag), retain, dup);
        return Ok(FromDevice::Telemetry { packet_id, properties, body });
    }
    let Some(path) = topic.strip_prefix("$iothub/") else { return Err(forbidden(&topic)) };
    if let Some(query) = path.strip_prefix("twin/GET/") {
        return Ok(FromDevice::TwinGet { packet_id, rid: rid(&topic, query)? });
    }
    if let Some(query) = path.strip_prefix("twin/PATCH/properties/reported/") {
        let base = value(query, "$version").map(|text| text.parse());
        let base = base.transpose().map_err(|_| forbidden(&topic))?;
        return Ok(FromDevice::TwinPatch { packet_id, rid: rid(&topic, query)?, base, body });
    }
    if let Some(query) = path.strip_prefix("credentials/POST/issueCertificate/") {
        return Ok(FromDevice::IssueCertificate { packet_id, rid: rid(&topic, query)?, body });
    }
    if let Some((status, query)) = path.strip_prefix("methods/res/").and_then(|rest| rest.split_once('/')) {
        let status = status.parse().map_err(|_| forbidden(&topic))?;
        return Ok(FromDevice::MethodResult { packet_id, rid: rid(&topic, query)?, status, body });
    }
    Err(forbidden(&topic))
}

fn forbidden(topic: &str) -> Disconnect {
    Disconnect::ForbiddenTopic(shown(topic))
}

/// Opaque, and given back as it came.
fn rid(topic: &ByteString, query: &str) -> Result<ByteString, Disconnect> {
    match value(query, "$rid").filter(|rid| !rid.is_empty()) {
        Some(rid) => Ok(topic.slice_ref(rid)),
        None => Err(Disconnect::MissingRid(shown(topic))),
    }
}

fn value<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    let pairs = query.strip_prefix('?')?.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(found, _)| *found == key || found.strip_prefix("%24") == key.strip_prefix('$'))
        .map(|(_, value)| value)
        .next()
}

/// The closed list of §1.7. `+` in place of an id means the own one.
fn decode_filter(own: &str, filter: String, qos: QoS) -> Filter {
    let subject = match filter.as_str() {
        "$iothub/twin/res/#" => Some(Subject::TwinResponses),
        "$iothub/twin/PATCH/properties/desired/#" => Some(Subject::DesiredChanges),
        "$iothub/methods/POST/#" => Some(Subject::Methods),
        "$iothub/credentials/res/#" | "$iothub/credential/#" => Some(Subject::Credentials),
        "$iothub/streams/POST/#" => Some(Subject::StreamRequests),
        "$iothub/streams/res/#" => Some(Subject::StreamResponses),
        other => other
            .strip_prefix("devices/")
            .and_then(|rest| rest.strip_suffix("/messages/devicebound/#"))
            .filter(|id| *id == own || *id == "+")
            .map(|_| Subject::CloudToDevice),
    };
    match subject {
        Some(subject) => Filter::Subject(subject, qos),
        None => Filter::Unknown(shown(&filter), qos),
    }
}

#[cfg(test)]
mod tests;
