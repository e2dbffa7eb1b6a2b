//! A device's talk with the provisioning service over MQTT (dps.md §1): answers follow their requests, in order.

use std::num::NonZeroU16;
use std::pin::pin;
use std::time::Duration;

use muster_dps::protocol::mqtt::{RESPONSE_FILTER, decode, encode, parse_username};
use muster_dps::{ConnectRefused, Presented, Transport};
use muster_mqtt::{Packet, Publish, QoS, ReadError};
use muster_sas::Token;
use muster_x509::Peer;

use super::front::{Front, now};
use super::mqtt::{Arrived, Wire, answer};

/// SUBACK: the filter is not granted.
const NOT_GRANTED: u8 = 0x80;
/// hub-device.md §1.6: one and a half times the keep-alive interval, and never longer than this.
const SILENCE_MAX: Duration = Duration::from_secs(1767);

pub(super) struct Talk {
    wire: Wire,
    presented: Presented,
    silence: Duration,
    /// The quality granted to the response filter, once it is subscribed to.
    granted: Option<QoS>,
    last_id: NonZeroU16,
}

impl Talk {
    pub(super) async fn begin(front: &Front, arrived: Arrived) -> Option<Self> {
        let Arrived { mut wire, connect, peer, addressee: _ } = arrived;
        let username = connect.username.as_deref().unwrap_or_default();
        match present(front, username, connect.password.as_deref(), &peer) {
            Err(ConnectRefused { code, tracking_id }) => {
                front.counters.refused.count();
                tracing::info!(remote = %peer.address, username, %tracking_id, "device refused; `muster explain {tracking_id}` tells why");
                answer(&mut wire, code).await;
                None
            }
            Ok(presented) => {
                front.counters.connected.count();
                wire.write(&[Packet::ConnAck { session_present: false, code: 0 }]).await.ok()?;
                let silence = match connect.keep_alive_s {
                    0 => SILENCE_MAX,
                    seconds => (Duration::from_secs(u64::from(seconds)) * 3 / 2).min(SILENCE_MAX),
                };
                Some(Self { wire, presented, silence, granted: None, last_id: NonZeroU16::MAX })
            }
        }
    }

    pub(super) async fn run(mut self: Box<Self>, front: &Front) {
        let remote = self.presented.peer.address;
        let why = self.converse(front).await;
        tracing::debug!(%remote, registration_id = %self.presented.registration_id, reason = why, "device left the provisioning service");
        let _ = self.wire.shutdown().await;
    }

    async fn converse(&mut self, front: &Front) -> String {
        let stop = front.stop.token();
        let mut stopped = pin!(stop.cancelled());
        loop {
            let mut packets = Vec::new();
            let read = tokio::select! {
                biased;
                read = tokio::time::timeout(self.silence, self.wire.read_batch(&mut packets)) => read,
                () = stopped.as_mut() => return "the server stops".to_owned(),
            };
            match read {
                Err(_) => return "silent for longer than its keep-alive interval allows".to_owned(),
                Ok(Ok(0)) => return "connection closed".to_owned(),
                Ok(Ok(_)) => {}
                Ok(Err(ReadError::Violation(violation))) => return violation.to_string(),
                Ok(Err(error)) => return error.to_string(),
            }
            let mut said = Vec::new();
            let ended = self.hear(front, packets, &mut said).await;
            if !said.is_empty() && self.wire.write(&said).await.is_err() {
                return "connection lost".to_owned();
            }
            if let Some(why) = ended {
                return why;
            }
        }
    }

    /// Answers each packet; tells why when the connection is to end.
    async fn hear(&mut self, front: &Front, packets: Vec<Packet>, said: &mut Vec<Packet>) -> Option<String> {
        for packet in packets {
            match packet {
                Packet::Publish(publish) => {
                    // First the PUBACK, then the answer: the C# SDK expects this order (dps.md §1.4).
                    said.extend(publish.packet_id.map(Packet::PubAck));
                    match decode(&publish) {
                        Ok((rid, ask)) => {
                            let now = now();
                            self.presented.peer.at = now;
                            let answer = front.dps.dps.ask(&self.presented, ask, now).await;
                            let (topic, payload) = encode(&rid, &answer);
                            said.extend(self.response(topic, payload));
                        }
                        Err(undecodable) => return Some(undecodable.to_string()),
                    }
                }
                Packet::Subscribe { packet_id, filters } => {
                    let codes = filters.iter().map(|(filter, qos)| self.subscribe(filter, *qos)).collect();
                    said.push(Packet::SubAck { packet_id, codes });
                }
                Packet::Unsubscribe { packet_id, filters } => {
                    if filters.iter().any(|filter| filter == RESPONSE_FILTER) {
                        self.granted = None;
                    }
                    said.push(Packet::UnsubAck(packet_id));
                }
                Packet::PingReq => said.push(Packet::PingResp),
                Packet::PubAck(_) => {}
                Packet::Disconnect => return Some("said goodbye".to_owned()),
                Packet::Connect(_)
                | Packet::ConnAck { .. }
                | Packet::SubAck { .. }
                | Packet::UnsubAck(_)
                | Packet::PingResp => return Some(format!("{} from a device", packet.name())),
            }
        }
        None
    }

    fn subscribe(&mut self, filter: &str, wanted: QoS) -> u8 {
        if filter != RESPONSE_FILTER {
            return NOT_GRANTED;
        }
        self.granted = Some(wanted);
        match wanted {
            QoS::AtMostOnce => 0,
            QoS::AtLeastOnce => 1,
        }
    }

    /// Nothing for a device that does not listen.
    fn response(&mut self, topic: String, payload: bytes::Bytes) -> Option<Packet> {
        let qos = self.granted?;
        let packet_id = match qos {
            QoS::AtMostOnce => None,
            QoS::AtLeastOnce => {
                self.last_id = self.last_id.checked_add(1).unwrap_or(NonZeroU16::MIN);
                Some(self.last_id)
            }
        };
        Some(Packet::Publish(Publish {
            topic: topic.into(),
            payload,
            qos,
            retain: false,
            dup: false,
            packet_id,
        }))
    }
}

/// Who the device says it is. Whether that is so is judged per request, where there is room for a reason (dps.md §1.3).
fn present(
    front: &Front,
    username: &str,
    password: Option<&[u8]>,
    peer: &Peer,
) -> Result<Presented, ConnectRefused> {
    let dps = &front.dps.dps;
    let refuse = |why: &dyn std::fmt::Display| dps.refuse_connection(peer, Transport::Mqtt, username, why);
    let parsed = parse_username(username).map_err(|error| refuse(&error))?;
    let token = match password {
        None | Some([]) => None,
        Some(password) => {
            let text = std::str::from_utf8(password)
                .map_err(|_| refuse(&"the password is not text; send a SAS token"))?;
            Some(
                Token::parse(text)
                    .map_err(|error| refuse(&format!("the password is not a SAS token: {error}")))?,
            )
        }
    };
    let presented = Presented {
        scope: parsed.scope,
        registration_id: parsed.registration_id,
        api_version: parsed.api_version,
        token,
        peer: peer.clone(),
        transport: Transport::Mqtt,
    };
    dps.greet(&presented)?;
    Ok(presented)
}
