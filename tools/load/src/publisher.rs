//! One connection that publishes at QoS 1, keeping so many messages in flight, at the least cost to itself.
//!
//! The packet is encoded once and only its identifier is written anew; acknowledgements are read without a decoder.
//! Otherwise the client would be what is measured.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::pressure::{Window, micros};

const PUBACK: u8 = 0x40;
const PUBACK_BYTES: usize = 4;
/// Fixed header of a PUBLISH at QoS 1.
const PUBLISH_QOS_1: u8 = 0x32;

/// A PUBLISH packet, and where its identifier stands.
#[derive(Clone)]
pub(crate) struct Template {
    packet: Vec<u8>,
    id_at: usize,
}

impl Template {
    pub(crate) fn new(topic: &str, payload_bytes: usize) -> Template {
        let remaining = 2 + topic.len() + 2 + payload_bytes;
        let mut packet = vec![PUBLISH_QOS_1];
        let mut length = remaining;
        // Seven bits a byte, the eighth says that more follow (MQTT 3.1.1 §2.2.3).
        loop {
            let low = (length % 128) as u8;
            length /= 128;
            packet.push(if length > 0 { low | 0x80 } else { low });
            if length == 0 {
                break;
            }
        }
        packet.extend_from_slice(&(topic.len() as u16).to_be_bytes());
        packet.extend_from_slice(topic.as_bytes());
        let id_at = packet.len();
        packet.extend_from_slice(&[0, 0]);
        packet.resize(packet.len() + payload_bytes, b'x');
        Template { packet, id_at }
    }

    fn append(&self, id: u16, to: &mut Vec<u8>) {
        let at = to.len() + self.id_at;
        to.extend_from_slice(&self.packet);
        to[at..at + 2].copy_from_slice(&id.to_be_bytes());
    }
}

/// Publishes until the window is over and everything is acknowledged; gives the latencies of what was acknowledged
/// inside the window.
pub(crate) async fn publish(
    mut stream: TlsStream<TcpStream>,
    template: Template,
    in_flight: usize,
    window: Window,
) -> Result<Vec<u32>, String> {
    let mut latencies_us = Vec::new();
    let mut output = Vec::with_capacity(template.packet.len() * in_flight);
    let mut input = vec![0_u8; 4096];
    let mut kept = 0;
    // Acknowledgements come in the order of the messages (MQTT 3.1.1 §4.6), so a ring of times is enough.
    let mut sent_at = std::collections::VecDeque::with_capacity(in_flight);
    let mut last_id = 0_u16;
    loop {
        let now = Instant::now();
        if window.is_over(now) && sent_at.is_empty() {
            return Ok(latencies_us);
        }
        if !window.is_over(now) {
            output.clear();
            while sent_at.len() < in_flight {
                last_id = last_id.checked_add(1).unwrap_or(1);
                template.append(last_id, &mut output);
                sent_at.push_back((last_id, now));
            }
            stream.write_all(&output).await.map_err(|error| format!("a publisher cannot write: {error}"))?;
            stream.flush().await.map_err(|error| error.to_string())?;
        }
        let read = stream.read(&mut input[kept..]).await;
        let read = read.map_err(|error| format!("a publisher cannot read: {error}"))?;
        if read == 0 {
            return Err("the server closed the connection of a publisher".to_owned());
        }
        let now = Instant::now();
        let filled = kept + read;
        let mut at = 0;
        while filled - at >= PUBACK_BYTES {
            let id = u16::from_be_bytes([input[at + 2], input[at + 3]]);
            match sent_at.pop_front() {
                Some((expected, sent)) if input[at] == PUBACK && expected == id => {
                    if window.counts(now) {
                        latencies_us.push(micros(now - sent));
                    }
                }
                _ => return Err(format!("expected an acknowledgement, got {:02x?}", &input[at..at + 4])),
            }
            at += PUBACK_BYTES;
        }
        input.copy_within(at..filled, 0);
        kept = filled - at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use muster_mqtt::{Decoder, Limits, Packet};

    #[test]
    fn a_patched_template_is_the_packet_it_should_be() {
        let template = Template::new("devices/bench-1/messages/events/", 256);
        let mut bytes = vec![0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, 2, b'a', b'b'];
        template.append(1, &mut bytes);
        template.append(0x0203, &mut bytes);
        let mut decoder = Decoder::for_server(Limits::default());
        let mut source = BytesMut::from(&bytes[..]);
        let mut ids = Vec::new();
        while let Some(packet) = decoder.decode(&mut source).unwrap() {
            if let Packet::Publish(publish) = packet {
                assert_eq!(&*publish.topic, "devices/bench-1/messages/events/");
                assert_eq!(publish.payload.len(), 256);
                ids.push(publish.packet_id.unwrap().get());
            }
        }
        assert_eq!(ids, [1, 0x0203]);
    }
}
