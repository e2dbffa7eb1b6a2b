//! Every packet, good and malformed, as bytes, meaning and what becomes of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod table;

use bytes::BytesMut;
use muster_mqtt::{Decoder, Limits, Packet, Violation, encode};
use table::{Case, Expect, Sender};

/// Decodes the packet on a connection that is as far as the packet needs it to be.
fn decode(case: &Case) -> Result<Option<Packet>, Violation> {
    let (mut decoder, opening): (_, &[u8]) = match case.from {
        Sender::Client | Sender::FirstOfClient => {
            (Decoder::for_server(Limits::default()), b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01d")
        }
        Sender::Server | Sender::FirstOfServer => {
            (Decoder::for_client(Limits::default()), b"\x20\x02\x00\x00")
        }
    };
    if matches!(case.from, Sender::Client | Sender::Server) {
        assert!(decoder.decode(&mut BytesMut::from(opening)).unwrap().is_some());
    }
    let mut bytes = BytesMut::from(&case.bytes[..]);
    let decoded = decoder.decode(&mut bytes);
    if matches!(decoded, Ok(Some(_))) {
        assert!(bytes.is_empty(), "{}: bytes left over", case.what);
    }
    decoded
}

#[test]
fn each_packet_is_read_as_the_table_says() {
    for case in table::all() {
        match (&case.expect, decode(&case)) {
            (Expect::Packet(packet) | Expect::ReadOnly(packet), Ok(Some(decoded))) => {
                assert_eq!(decoded, *packet, "{}", case.what);
            }
            (Expect::Refused(violation), Err(refused)) => assert_eq!(refused, *violation, "{}", case.what),
            (_, result) => panic!("{}: {result:?}", case.what),
        }
    }
}

#[test]
fn each_good_packet_is_written_as_the_table_says() {
    let mut target = BytesMut::new();
    for case in table::all() {
        if let Expect::Packet(packet) = &case.expect {
            target.clear();
            encode(packet, &mut target).unwrap();
            assert_eq!(target, case.bytes, "{}", case.what);
        }
    }
}

/// A packet that has not come completely is neither accepted nor, before it is known to be bad, refused.
#[test]
fn a_good_packet_is_waited_for_to_its_last_byte() {
    for case in table::all() {
        if !matches!(case.expect, Expect::Refused(_)) {
            for end in 0..case.bytes.len() {
                let part = Case { bytes: case.bytes[..end].to_vec(), ..case.clone() };
                assert_eq!(decode(&part), Ok(None), "{}, {end} bytes of it", case.what);
            }
        }
    }
}

#[test]
fn the_table_has_every_packet_in_both_directions() {
    let names: std::collections::BTreeSet<&str> = table::all()
        .iter()
        .filter_map(|case| match &case.expect {
            Expect::Packet(packet) => Some(packet.name()),
            Expect::ReadOnly(_) | Expect::Refused(_) => None,
        })
        .collect();
    assert_eq!(names.len(), 11);
}

#[test]
fn a_refused_connect_has_a_code_for_its_answer() {
    let code = |bytes: &[u8]| {
        let refused = Decoder::for_server(Limits::default()).decode(&mut BytesMut::from(bytes));
        let Err(Violation::ConnectRefused(refusal)) = refused else { panic!("{refused:?}") };
        refusal.code()
    };
    assert_eq!(code(b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x3c\x00\x01d"), 1);
    assert_eq!(code(b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01d"), 1);
    assert_eq!(code(b"\x10\x0c\x00\x04MQTT\x04\x00\x00\x3c\x00\x00"), 2);
}

#[test]
fn the_limits_are_judged_from_the_fixed_header() {
    let limits = Limits { packet_bytes_max: 100, first_packet_bytes_max: 20 };
    let mut decoder = Decoder::for_server(limits);
    let mut claim = BytesMut::from(&b"\x10\x13"[..]);
    let refused = decoder.decode(&mut claim);
    assert_eq!(refused, Err(Violation::TooLarge { packet: "CONNECT", bytes: 21, max: 20 }));

    let mut decoder = Decoder::for_server(limits);
    decoder
        .decode(&mut BytesMut::from(&b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01d"[..]))
        .unwrap()
        .unwrap();
    assert_eq!(decoder.decode(&mut BytesMut::from(&b"\x30\x62"[..])), Ok(None), "100 bytes");
    let refused = decoder.decode(&mut BytesMut::from(&b"\x30\x63"[..]));
    assert_eq!(refused, Err(Violation::TooLarge { packet: "PUBLISH", bytes: 101, max: 100 }));
}

#[test]
fn a_refused_connection_stays_refused() {
    let mut decoder = Decoder::for_server(Limits::default());
    let first = decoder.decode(&mut BytesMut::from(&b"\xf0"[..]));
    assert_eq!(first, Err(Violation::PacketType(15)));
    let again = decoder.decode(&mut BytesMut::from(&b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01d"[..]));
    assert_eq!(again, first);
}

/// Device ids may hold `+` and `#` (hub-device §1.3), and stand in topics as they are.
#[test]
fn wildcard_characters_are_names_where_the_client_id_has_them() {
    let read = |client_id: &str, packet: &Packet| {
        let connect = table::connect(client_id);
        let mut bytes = BytesMut::new();
        encode(&connect, &mut bytes).unwrap();
        encode(packet, &mut bytes).unwrap();
        let mut decoder = Decoder::for_server(Limits::default());
        decoder.decode(&mut bytes).unwrap().unwrap();
        decoder.decode(&mut bytes)
    };
    let publish = |topic: &str| table::publish(topic, b"");
    let subscribe = |filter: &str| table::subscribe(&[filter]);
    for (client_id, packet) in [
        ("a+b", publish("devices/a+b/messages/events/")),
        ("#1", publish("devices/#1/messages/events/x=y")),
        ("d/m+", publish("devices/d/modules/m+/messages/events/")),
        ("a+b", subscribe("devices/a+b/messages/devicebound/#")),
        ("a#b", subscribe("devices/a#b/messages/devicebound/#")),
        ("a+b", subscribe("devices/+/messages/devicebound/#")),
    ] {
        assert_eq!(read(client_id, &packet), Ok(Some(packet)), "{client_id}");
    }
    for (client_id, packet) in [
        ("ab", publish("devices/a+b/messages/events/")),
        ("a+b", publish("devices/c+d/messages/events/")),
        ("a+b", publish("devices/a+b/messages/events/x=a+b")),
        ("a+b", publish("devices/+/messages/events/")),
        ("a+b", subscribe("devices/c+d/messages/devicebound/#")),
    ] {
        assert!(read(client_id, &packet).is_err(), "{client_id} {packet:?}");
    }
}

#[test]
fn what_errors_repeat_of_a_topic_is_short_and_printable() {
    let topic = format!("a\nb/+/{}", "x".repeat(1000));
    let mut bytes = BytesMut::new();
    encode(&table::connect("d"), &mut bytes).unwrap();
    encode(&table::publish(&topic, b""), &mut bytes).unwrap();
    let mut decoder = Decoder::for_server(Limits::default());
    decoder.decode(&mut bytes).unwrap().unwrap();
    let text = decoder.decode(&mut bytes).unwrap_err().to_string();
    assert!(text.starts_with("topic `a\u{fffd}b/+/xxx") && text.chars().count() < 200, "{text}");
}

#[test]
fn a_password_is_not_shown() {
    let Packet::Connect(mut connect) = table::connect("d") else { panic!() };
    connect.password = Some(b"secret"[..].into());
    let shown = format!("{connect:?}");
    assert!(!shown.contains("secret") && shown.contains("redacted"), "{shown}");
}

#[test]
fn what_cannot_be_written_is_refused_and_leaves_nothing_behind() {
    let Packet::Publish(good) = table::publish("a", b"x") else { panic!() };
    let Packet::Connect(connect) = table::connect("d") else { panic!() };
    let with = |change: &dyn Fn(&mut muster_mqtt::Publish)| {
        let mut publish = good.clone();
        change(&mut publish);
        Packet::Publish(publish)
    };
    let mut without_id = connect.clone();
    without_id.client_id = String::new();
    without_id.clean_session = false;
    let mut password_only = connect;
    password_only.password = Some(b"x"[..].into());
    let id = std::num::NonZeroU16::MIN;
    for packet in [
        with(&|publish| publish.packet_id = None),
        with(&|publish| publish.qos = muster_mqtt::QoS::AtMostOnce),
        with(&|publish| publish.topic = "".into()),
        with(&|publish| publish.topic = "a\0b".into()),
        with(&|publish| publish.topic = "x".repeat(65_536).into()),
        with(&|publish| publish.payload = vec![0; 268_435_455].into()),
        Packet::Connect(without_id),
        Packet::Connect(password_only),
        Packet::ConnAck { session_present: false, code: 6 },
        Packet::Subscribe { packet_id: id, filters: vec![] },
        table::subscribe(&[""]),
        table::subscribe(&["x"; 65]),
        Packet::Unsubscribe { packet_id: id, filters: vec!["x".repeat(65_536)] },
        Packet::SubAck { packet_id: id, codes: vec![] },
        Packet::SubAck { packet_id: id, codes: vec![3] },
    ] {
        let mut target = BytesMut::from(&b"before"[..]);
        assert!(encode(&packet, &mut target).is_err(), "{}", packet.name());
        assert_eq!(target, b"before"[..], "{}", packet.name());
    }
}
