//! A `ToDevice` as a packet, spelled as the strictest of the SDKs reads it (hub-device.md §2.4, §13.1).

use bytes::Bytes;
use jiff::Timestamp;
use muster_mqtt::{Packet, Publish, QoS};
use serde_json::json;

use super::{PacketIds, error_body};
use crate::{
    protocol::status,
    renewal::RenewalRefusal,
    session::{Granted, ToDevice},
};

/// One packet for each message. QoS 1 takes a packet id: ask `ids.has_room()` before taking from the mailbox.
pub fn encode(message: ToDevice, ids: &mut PacketIds) -> Packet {
    match message {
        ToDevice::Accepted(packet_id) => Packet::PubAck(packet_id),
        ToDevice::Subscribed { packet_id, granted } => {
            let codes = granted.into_iter().map(|granted| match granted {
                Granted::AtMostOnce => 0,
                Granted::AtLeastOnce => 1,
            });
            Packet::SubAck { packet_id, codes: codes.collect() }
        }
        ToDevice::Unsubscribed(packet_id) => Packet::UnsubAck(packet_id),
        ToDevice::Pong => Packet::PingResp,
        ToDevice::Twin { rid, body } => publish(format!("$iothub/twin/res/200/?$rid={rid}"), body),
        ToDevice::Patched { rid, version } => {
            // `$version` after `$rid`: Java and C read by position (T-8)
            publish(format!("$iothub/twin/res/204/?$rid={rid}&$version={version}"), Bytes::new())
        }
        ToDevice::TwinRefused { rid, refusal, tracking_id, at } => {
            let (status, code) = status::twin(&refusal);
            let body = error_body(code, &refusal.to_string(), &tracking_id, at);
            publish(format!("$iothub/twin/res/{status:03}/?$rid={rid}"), body)
        }
        ToDevice::Renewing { rid, correlation_id, expires } => {
            let body =
                json!({ "correlationId": correlation_id, "operationExpires": format!("{expires:.9}") });
            publish(format!("$iothub/credentials/res/202/?$rid={rid}"), Bytes::from(body.to_string()))
        }
        ToDevice::Renewed { rid, correlation_id, certificates } => {
            let body = json!({ "correlationId": correlation_id, "certificates": certificates });
            publish(format!("$iothub/credentials/res/200/?$rid={rid}"), Bytes::from(body.to_string()))
        }
        ToDevice::RenewalRefused { rid, correlation_id, refusal, tracking_id, at } => {
            let (status, code) = status::renewal(&refusal);
            let body = renewal_error(code, &correlation_id, &refusal, &tracking_id, at);
            publish(format!("$iothub/credentials/res/{status:03}/?$rid={rid}"), body)
        }
        ToDevice::Desired { version, qos, body } => {
            let topic = format!("$iothub/twin/PATCH/properties/desired/?$version={version}");
            match publish(topic, body) {
                Packet::Publish(message) if qos == QoS::AtLeastOnce => {
                    Packet::Publish(Publish { qos, packet_id: Some(ids.take()), ..message })
                }
                message => message,
            }
        }
    }
}

/// `info` only where there is some: embedded C takes null for a broken answer (§2.6).
fn renewal_error(
    code: u32,
    correlation_id: &str,
    refusal: &RenewalRefusal,
    tracking_id: &str,
    at: Timestamp,
) -> Bytes {
    let mut error = json!({
        "errorCode": code,
        "message": refusal.to_string(),
        "trackingId": tracking_id,
        "timestampUtc": format!("{at:.7}"),
    });
    if let Some(seconds) = refusal.retry_after_s() {
        error["retryAfter"] = seconds.into();
    }
    if let RenewalRefusal::Issuer(why) = refusal {
        error["info"] = json!({
            "correlationId": correlation_id,
            "credentialError": "CredentialRefused",
            "credentialMessage": why.to_string(),
        });
    }
    Bytes::from(error.to_string())
}

fn publish(topic: String, payload: Bytes) -> Packet {
    Packet::Publish(Publish {
        topic: topic.into(),
        payload,
        qos: QoS::AtMostOnce,
        retain: false,
        dup: false,
        packet_id: None,
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;
    use crate::twin::TwinRefusal;

    fn topic_and_body(message: ToDevice) -> (String, String) {
        match encode(message, &mut PacketIds::default()) {
            Packet::Publish(publish) => {
                (publish.topic.to_string(), String::from_utf8(publish.payload.to_vec()).unwrap())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn twin_answers_are_spelled_as_the_sdks_parse_them() {
        assert_eq!(
            topic_and_body(ToDevice::Twin { rid: "r-1".into(), body: Bytes::from_static(b"{}") }),
            ("$iothub/twin/res/200/?$rid=r-1".to_owned(), "{}".to_owned())
        );
        assert_eq!(
            topic_and_body(ToDevice::Patched { rid: "7".into(), version: 12 }),
            ("$iothub/twin/res/204/?$rid=7&$version=12".to_owned(), String::new())
        );
        let desired = ToDevice::Desired {
            version: 3,
            qos: QoS::AtMostOnce,
            body: Bytes::from_static(b"{\"$version\":3}"),
        };
        assert_eq!(
            topic_and_body(desired),
            ("$iothub/twin/PATCH/properties/desired/?$version=3".to_owned(), "{\"$version\":3}".to_owned())
        );
    }

    #[test]
    fn a_refused_twin_request_has_a_body_that_node_takes_for_an_error() {
        let at: Timestamp = "2022-10-20T18:13:40.1234567Z".parse().unwrap();
        let refusal = TwinRefusal::Precondition { existing: "3".to_owned(), given: "2".to_owned() };
        let (topic, body) = topic_and_body(ToDevice::TwinRefused {
            rid: "1".into(),
            refusal,
            tracking_id: "abc".to_owned(),
            at,
        });
        assert_eq!(topic, "$iothub/twin/res/412/?$rid=1");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["errorCode"], 412_001);
        assert_eq!(body["timestampUtc"], "2022-10-20T18:13:40.1234567Z");
        assert_eq!(body["trackingId"], "abc");
    }

    #[test]
    fn packet_ids_are_used_where_an_acknowledgement_comes_back() {
        let desired = |qos| ToDevice::Desired { version: 1, qos, body: Bytes::from_static(b"{}") };
        let mut ids = PacketIds::default();
        let Packet::Publish(first) = encode(desired(QoS::AtLeastOnce), &mut ids) else { panic!() };
        let Packet::Publish(second) = encode(desired(QoS::AtMostOnce), &mut ids) else { panic!() };
        assert_eq!((first.packet_id, second.packet_id), (NonZeroU16::new(1), None));
    }
}
