//! Packets that unmodified SDKs sent, decoded and encoded again.
//!
//! The captures belong to the project's contracts, in `shared/vectors/captures` beside the workspace.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeMap, fs, path::Path};

use bytes::BytesMut;
use muster_mqtt::{Decoder, Limits, Packet, encode};

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors/captures");

/// What was read in one direction of one connection.
#[derive(Default)]
struct Side {
    bytes: Vec<u8>,
    /// As whoever captured it read them, with another codec.
    names: Vec<String>,
    /// The packet told next was too long for its capture.
    cut: bool,
}

/// The connections of a capture that are MQTT: what the client sent and what the stub answered.
fn connections(text: &str) -> Vec<(Side, Side)> {
    let mut connections: Vec<(Side, Side)> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# connection ") {
            let protocol = rest.split_whitespace().nth(1);
            open = matches!(protocol, Some("mqtt" | "mqtt-ws"));
            if open {
                connections.push(Default::default());
            }
        }
        let Some((client, server)) = connections.last_mut().filter(|_| open) else { continue };
        if let Some(told) = line.strip_prefix(">>> ") {
            client.read(told);
        } else if let Some(told) = line.strip_prefix("<<< (stub) ").or(line.strip_prefix("      ")) {
            server.read(told);
        }
    }
    connections
}

impl Side {
    /// `12 bytes: 3132...`, pieces as they were written, or `PUBLISH {"cmd":...`, a packet.
    fn read(&mut self, told: &str) {
        if let Some((length, digits)) = told.split_once(" bytes: ") {
            self.cut = digits.contains("...[cut, ");
            if !self.cut {
                let bytes = hex::decode(digits).unwrap();
                assert_eq!(bytes.len().to_string(), length);
                self.bytes.extend(bytes);
            }
        } else if let Some((name, _)) = told.split_once(" {\"cmd\"")
            && !self.cut
        {
            self.names.push(name.to_owned());
        }
    }
}

fn decode_all(mut decoder: Decoder, side: &Side, file: &str) -> Vec<Packet> {
    let mut bytes = BytesMut::from(&side.bytes[..]);
    let mut packets = Vec::new();
    while let Some(packet) = decoder.decode(&mut bytes).map_err(|error| format!("{file}: {error}")).unwrap() {
        packets.push(packet);
    }
    assert!(bytes.is_empty(), "{file}: {} bytes are no whole packet", bytes.len());
    packets
}

#[test]
fn what_real_clients_send_is_understood() {
    let files = fs::read_dir(Path::new(CAPTURES)).unwrap_or_else(|error| {
        panic!(
            "no captures in {CAPTURES} ({error}): check out the project's `shared` folder beside this workspace, \
             so that `../shared/vectors/captures` exists"
        )
    });
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for file in files {
        let path = file.unwrap().path();
        let file = path.display().to_string();
        for (client, server) in connections(&fs::read_to_string(&path).unwrap()) {
            let limits = Limits::default();
            for (decoder, side) in
                [(Decoder::for_server(limits), client), (Decoder::for_client(limits), server)]
            {
                let packets = decode_all(decoder, &side, &file);
                let names: Vec<_> = packets.iter().map(Packet::name).collect();
                assert_eq!(names, side.names, "{file}");
                let mut again = BytesMut::new();
                for packet in &packets {
                    encode(packet, &mut again).unwrap();
                    *kinds.entry(packet.name()).or_default() += 1;
                }
                assert_eq!(again, side.bytes, "{file}");
            }
        }
    }
    for kind in
        ["CONNECT", "CONNACK", "PUBLISH", "PUBACK", "SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "DISCONNECT"]
    {
        assert!(kinds.contains_key(kind), "no {kind} in {kinds:?}");
    }
    assert!(kinds.values().sum::<usize>() > 200, "{kinds:?}");
}
