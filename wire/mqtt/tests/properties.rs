//! What is encoded decodes to the same; whatever else comes is refused or waited for, without a panic and without memory.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::num::NonZeroU16;

use bytes::{Bytes, BytesMut};
use muster_mqtt::{Connect, Decoder, Limits, Packet, Publish, QoS, encode};
use proptest::{collection::vec, option, prelude::*};

fn id() -> impl Strategy<Value = NonZeroU16> {
    (1..=u16::MAX).prop_map(|id| NonZeroU16::new(id).unwrap())
}

fn qos() -> impl Strategy<Value = QoS> {
    prop_oneof![Just(QoS::AtMostOnce), Just(QoS::AtLeastOnce)]
}

fn topic() -> impl Strategy<Value = String> {
    "[^+#\\x00]{1,40}"
}

fn filter() -> impl Strategy<Value = String> {
    let level = || prop_oneof![3 => "[^+#/\\x00]{0,8}", 1 => Just("+".to_owned())];
    (level(), vec(level(), 0..4), any::<bool>())
        .prop_map(|(first, mut levels, hash)| {
            levels.insert(0, first);
            levels.extend(hash.then(|| "#".to_owned()));
            levels.join("/")
        })
        .prop_filter("not empty", |filter| !filter.is_empty())
}

fn bytes(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..max).prop_map(Bytes::from)
}

fn publish() -> impl Strategy<Value = Publish> {
    (topic(), bytes(300), option::of(id()), any::<(bool, bool)>()).prop_map(
        |(topic, payload, packet_id, (retain, dup))| Publish {
            topic: topic.into(),
            payload,
            qos: if packet_id.is_some() { QoS::AtLeastOnce } else { QoS::AtMostOnce },
            retain,
            dup: dup && packet_id.is_some(),
            packet_id,
        },
    )
}

fn connect() -> impl Strategy<Value = Packet> {
    let will =
        (publish(), qos()).prop_map(|(will, qos)| Publish { dup: false, packet_id: None, qos, ..will });
    let user = ("[^\\x00]{0,40}", option::of(bytes(100)));
    ("[^\\x00]{0,20}", option::of(user), any::<bool>(), any::<u16>(), option::of(will)).prop_map(
        |(client_id, user, clean_session, keep_alive_s, will)| {
            let (username, password) = user.map_or((None, None), |(name, password)| (Some(name), password));
            let clean_session = clean_session || client_id.is_empty();
            Packet::Connect(Box::new(Connect {
                client_id,
                username,
                password,
                clean_session,
                keep_alive_s,
                will,
            }))
        },
    )
}

fn conn_ack() -> impl Strategy<Value = Packet> {
    prop_oneof![
        any::<bool>().prop_map(|session_present| Packet::ConnAck { session_present, code: 0 }),
        (1_u8..6).prop_map(|code| Packet::ConnAck { session_present: false, code }),
    ]
}

fn from_client() -> impl Strategy<Value = Packet> {
    prop_oneof![
        publish().prop_map(Packet::Publish),
        id().prop_map(Packet::PubAck),
        (id(), vec((filter(), qos()), 1..10))
            .prop_map(|(packet_id, filters)| Packet::Subscribe { packet_id, filters }),
        (id(), vec(filter(), 1..10))
            .prop_map(|(packet_id, filters)| Packet::Unsubscribe { packet_id, filters }),
        Just(Packet::PingReq),
        Just(Packet::Disconnect),
    ]
}

fn from_server() -> impl Strategy<Value = Packet> {
    let code = prop_oneof![Just(0_u8), Just(1), Just(2), Just(0x80)];
    prop_oneof![
        publish().prop_map(Packet::Publish),
        id().prop_map(Packet::PubAck),
        (id(), vec(code, 1..10)).prop_map(|(packet_id, codes)| Packet::SubAck { packet_id, codes }),
        id().prop_map(Packet::UnsubAck),
        Just(Packet::PingResp),
    ]
}

fn encoded(packets: &[Packet]) -> BytesMut {
    let mut bytes = BytesMut::new();
    for packet in packets {
        encode(packet, &mut bytes).unwrap();
    }
    bytes
}

/// Feeds the bytes in pieces of the given size, as a socket would.
fn decode_all(
    mut decoder: Decoder,
    bytes: &[u8],
    piece: usize,
) -> Result<Vec<Packet>, muster_mqtt::Violation> {
    let mut packets = Vec::new();
    let mut buffer = BytesMut::new();
    for piece in bytes.chunks(piece) {
        buffer.extend_from_slice(piece);
        while let Some(packet) = decoder.decode(&mut buffer)? {
            packets.push(packet);
        }
    }
    Ok(packets)
}

fn decoders() -> [Decoder; 2] {
    [Decoder::for_server(Limits::default()), Decoder::for_client(Limits::default())]
}

/// Decoders that have seen the first packet.
fn open_decoders() -> [Decoder; 2] {
    let [mut server, mut client] = decoders();
    server
        .decode(&mut BytesMut::from(&b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01d"[..]))
        .unwrap()
        .unwrap();
    client.decode(&mut BytesMut::from(&b"\x20\x02\x00\x00"[..])).unwrap().unwrap();
    [server, client]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_a_client_says_is_understood(connect in connect(), rest in vec(from_client(), 0..8), piece in 1_usize..200) {
        let packets = [vec![connect], rest].concat();
        let decoder = Decoder::for_server(Limits::default());
        prop_assert_eq!(decode_all(decoder, &encoded(&packets), piece), Ok(packets));
    }

    #[test]
    fn what_a_server_says_is_understood(conn_ack in conn_ack(), rest in vec(from_server(), 0..8), piece in 1_usize..200) {
        let packets = [vec![conn_ack], rest].concat();
        let decoder = Decoder::for_client(Limits::default());
        prop_assert_eq!(decode_all(decoder, &encoded(&packets), piece), Ok(packets));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..400), piece in 1_usize..50) {
        for decoder in decoders().into_iter().chain(open_decoders()) {
            let _ = decode_all(decoder, &bytes, piece);
        }
    }

    /// Arbitrary bytes mostly fail in the first one: these have a header that fits.
    #[test]
    fn arbitrary_bodies_never_panic(kind in 1_u8..15, flags in 0_u8..16, body in vec(any::<u8>(), 0..120), first in any::<bool>()) {
        let flags = match kind { 3 => flags, 8 | 10 => 2, _ => 0 };
        let bytes = [&[kind << 4 | flags, body.len() as u8][..], &body].concat();
        for decoder in if first { decoders() } else { open_decoders() } {
            if let Ok(packets) = decode_all(decoder, &bytes, 500) {
                prop_assert_eq!(packets.len(), 1, "a whole packet is taken or refused");
            }
        }
    }

    /// A changed packet is refused, or is another good packet: then it encodes, and decodes to itself.
    #[test]
    fn a_mutation_is_refused_or_good(
        connect in connect(), rest in vec(from_client(), 1..4), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut bytes = encoded(&[vec![connect], rest].concat());
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(packets) = decode_all(Decoder::for_server(Limits::default()), &bytes, usize::MAX) {
            let again = decode_all(Decoder::for_server(Limits::default()), &encoded(&packets), usize::MAX);
            prop_assert_eq!(again, Ok(packets));
        }
    }

    #[test]
    fn a_cut_never_panics(connect in connect(), rest in vec(from_client(), 1..4), cut in any::<prop::sample::Index>()) {
        let bytes = encoded(&[vec![connect], rest].concat());
        let cut = cut.index(bytes.len());
        decode_all(Decoder::for_server(Limits::default()), &bytes[..cut], usize::MAX).unwrap();
    }

    /// A header may claim what it likes: until the bytes come, nothing is set aside for them.
    #[test]
    fn a_claim_takes_no_memory(length in 0_u32..320_000, first in prop_oneof![Just(0x30_u8), Just(0x32), Just(0x82)]) {
        let [mut decoder, _] = open_decoders();
        let mut buffer = BytesMut::with_capacity(64);
        buffer.extend_from_slice(&[first, (length & 0x7f) as u8 | 0x80, (length >> 7 & 0x7f) as u8 | 0x80, (length >> 14) as u8]);
        let _ = decoder.decode(&mut buffer);
        prop_assert!(buffer.capacity() <= 64);
    }
}
