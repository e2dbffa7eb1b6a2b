//! The table of packets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::num::NonZeroU16;

use bytes::Bytes;
use muster_mqtt::{Connect, Packet, Publish, QoS, Refusal, Violation};

mod connection;
mod messages;

#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) from: Sender,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expect: Expect,
}

#[derive(Clone, Copy)]
pub(crate) enum Sender {
    /// After its CONNECT.
    Client,
    FirstOfClient,
    /// After its CONNACK.
    Server,
    FirstOfServer,
}

#[derive(Clone)]
pub(crate) enum Expect {
    /// These bytes are this packet, and this packet is these bytes.
    Packet(Packet),
    /// These bytes are this packet, which we would write in another way.
    ReadOnly(Packet),
    Refused(Violation),
}

pub(crate) fn all() -> Vec<Case> {
    [connection::cases(), messages::cases()].concat()
}

fn good(what: &'static str, from: Sender, bytes: &[u8], packet: Packet) -> Case {
    Case { what, from, bytes: bytes.to_vec(), expect: Expect::Packet(packet) }
}

fn read_only(what: &'static str, from: Sender, bytes: &[u8], packet: Packet) -> Case {
    Case { what, from, bytes: bytes.to_vec(), expect: Expect::ReadOnly(packet) }
}

fn bad(what: &'static str, from: Sender, bytes: &[u8], violation: impl Into<Violation>) -> Case {
    Case { what, from, bytes: bytes.to_vec(), expect: Expect::Refused(violation.into()) }
}

fn id(id: u16) -> NonZeroU16 {
    NonZeroU16::new(id).unwrap()
}

pub(crate) fn connect(client_id: &str) -> Packet {
    Packet::Connect(Box::new(Connect {
        client_id: client_id.to_owned(),
        username: None,
        password: None,
        clean_session: true,
        keep_alive_s: 60,
        will: None,
    }))
}

/// QoS 1, packet identifier 1.
pub(crate) fn publish(topic: &str, payload: &'static [u8]) -> Packet {
    Packet::Publish(Publish {
        topic: topic.into(),
        payload: Bytes::from_static(payload),
        qos: QoS::AtLeastOnce,
        retain: false,
        dup: false,
        packet_id: Some(id(1)),
    })
}

/// QoS 1, packet identifier 1.
pub(crate) fn subscribe(filters: &[&str]) -> Packet {
    let filters = filters.iter().map(|filter| ((*filter).to_owned(), QoS::AtLeastOnce)).collect();
    Packet::Subscribe { packet_id: id(1), filters }
}
