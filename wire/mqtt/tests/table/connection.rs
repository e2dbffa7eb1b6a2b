//! CONNECT, CONNACK, PINGREQ, PINGRESP, DISCONNECT, and headers that are none of any packet.

use super::*;

fn full() -> Packet {
    Packet::Connect(Box::new(Connect {
        client_id: "d".into(),
        username: Some("user".into()),
        password: Some(Bytes::from_static(b"\x00pw")),
        clean_session: false,
        keep_alive_s: 0xffff,
        will: Some(Publish {
            topic: "t".into(),
            payload: Bytes::from_static(b"\xffgone"),
            qos: QoS::AtLeastOnce,
            retain: true,
            dup: false,
            packet_id: None,
        }),
    }))
}

fn anonymous() -> Packet {
    connect("")
}

fn conn_ack(session_present: bool, code: u8) -> Packet {
    Packet::ConnAck { session_present, code }
}

#[rustfmt::skip] // a table
pub(crate) fn cases() -> Vec<Case> {
    use Sender::{Client, FirstOfClient, FirstOfServer, Server};
    use Violation as V;
    vec![
        good("connect, the least", FirstOfClient, b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01d", connect("d")),
        good("connect, everything", FirstOfClient, b"\x10\x22\x00\x04MQTT\x04\xec\xff\xff\x00\x01d\x00\x01t\x00\x05\xffgone\x00\x04user\x00\x03\x00pw", full()),
        read_only("connect, will with qos 2 is taken as 1", FirstOfClient, b"\x10\x22\x00\x04MQTT\x04\xf4\xff\xff\x00\x01d\x00\x01t\x00\x05\xffgone\x00\x04user\x00\x03\x00pw", full()),
        good("connect, empty client id with clean session", FirstOfClient, b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", anonymous()),
        read_only("connect, length in more bytes than needed", FirstOfClient, b"\x10\x8d\x80\x00\x00\x04MQTT\x04\x02\x00\x3c\x00\x01d", connect("d")),
        bad("connect, empty client id without clean session", FirstOfClient, b"\x10\x0c\x00\x04MQTT\x04\x00\x00\x3c\x00\x00", Refusal::ClientId),
        bad("connect, level 3", FirstOfClient, b"\x10\x0d\x00\x04MQTT\x03\x02\x00\x3c\x00\x01d", Refusal::ProtocolLevel(3)),
        bad("connect of 3.1", FirstOfClient, b"\x10\x0f\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01d", Refusal::ProtocolName),
        bad("connect of 3.1's name with level 4", FirstOfClient, b"\x10\x0f\x00\x06MQIsdp\x04\x02\x00\x3c\x00\x01d", Refusal::ProtocolName),
        bad("connect of 5", FirstOfClient, b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01d", Refusal::ProtocolLevel(5)),
        bad("connect of 5, flags that 4 does not have", FirstOfClient, b"\x10\x0e\x00\x04MQTT\x05\x03\x00\x3c\x00\x00\x01d", Refusal::ProtocolLevel(5)),
        bad("connect, bridge's level bit", FirstOfClient, b"\x10\x0d\x00\x04MQTT\x84\x02\x00\x3c\x00\x01d", Refusal::ProtocolLevel(0x84)),
        bad("connect, name in lower case", FirstOfClient, b"\x10\x0d\x00\x04mqtt\x04\x02\x00\x3c\x00\x01d", Refusal::ProtocolName),
        bad("connect, no name", FirstOfClient, b"\x10\x09\x00\x00\x04\x02\x00\x3c\x00\x01d", Refusal::ProtocolName),
        bad("connect, name longer than the packet", FirstOfClient, b"\x10\x06\x00\x05MQTT", V::Length("CONNECT")),
        bad("connect, ends after the name", FirstOfClient, b"\x10\x06\x00\x04MQTT", V::Length("CONNECT")),
        bad("connect, ends after the level", FirstOfClient, b"\x10\x07\x00\x04MQTT\x04", V::Length("CONNECT")),
        bad("connect, ends after the flags", FirstOfClient, b"\x10\x08\x00\x04MQTT\x04\x02", V::Length("CONNECT")),
        bad("connect, ends inside keep-alive", FirstOfClient, b"\x10\x09\x00\x04MQTT\x04\x02\x00", V::Length("CONNECT")),
        bad("connect, ends before the client id", FirstOfClient, b"\x10\x0a\x00\x04MQTT\x04\x02\x00\x3c", V::Length("CONNECT")),
        bad("connect, client id longer than the packet", FirstOfClient, b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x02d", V::Length("CONNECT")),
        bad("connect, user name announced but not there", FirstOfClient, b"\x10\x0d\x00\x04MQTT\x04\x82\x00\x3c\x00\x01d", V::Length("CONNECT")),
        bad("connect, bytes after the last field", FirstOfClient, b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x01dx", V::Length("CONNECT")),
        bad("connect, password there but not announced", FirstOfClient, b"\x10\x12\x00\x04MQTT\x04\x82\x00\x3c\x00\x01d\x00\x00\x00\x01p", V::Length("CONNECT")),
        bad("connect, empty", FirstOfClient, b"\x10\x00", V::Length("CONNECT")),
        bad("connect, reserved flag", FirstOfClient, b"\x10\x0d\x00\x04MQTT\x04\x03\x00\x3c\x00\x01d", V::ReservedBits("CONNECT")),
        bad("connect, will qos without will", FirstOfClient, b"\x10\x0d\x00\x04MQTT\x04\x0a\x00\x3c\x00\x01d", V::ConnectFlags("will retain or quality of service without a will")),
        bad("connect, will retain without will", FirstOfClient, b"\x10\x0d\x00\x04MQTT\x04\x22\x00\x3c\x00\x01d", V::ConnectFlags("will retain or quality of service without a will")),
        bad("connect, will qos 3", FirstOfClient, b"\x10\x13\x00\x04MQTT\x04\x1e\x00\x3c\x00\x01d\x00\x01t\x00\x01m", V::QoS3),
        bad("connect, password without user name", FirstOfClient, b"\x10\x10\x00\x04MQTT\x04\x42\x00\x3c\x00\x01d\x00\x01p", V::ConnectFlags("password without a user name")),
        bad("connect, client id not utf-8", FirstOfClient, b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01\xff", V::Utf8("CONNECT")),
        bad("connect, client id a surrogate", FirstOfClient, b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03\xed\xa0\x80", V::Utf8("CONNECT")),
        bad("connect, client id with U+0000", FirstOfClient, b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01\x00", V::Null("CONNECT")),
        bad("connect, user name not utf-8", FirstOfClient, b"\x10\x10\x00\x04MQTT\x04\x82\x00\x3c\x00\x01d\x00\x01\xc0", V::Utf8("CONNECT")),
        bad("connect, user name with U+0000", FirstOfClient, b"\x10\x10\x00\x04MQTT\x04\x82\x00\x3c\x00\x01d\x00\x01\x00", V::Null("CONNECT")),
        bad("connect, will topic empty", FirstOfClient, b"\x10\x12\x00\x04MQTT\x04\x06\x00\x3c\x00\x01d\x00\x00\x00\x01m", V::TopicEmpty("CONNECT")),
        bad("connect, will topic with wildcard", FirstOfClient, b"\x10\x13\x00\x04MQTT\x04\x06\x00\x3c\x00\x01d\x00\x01#\x00\x01m", V::TopicWildcard("#".into())),
        bad("connect, will topic with U+0000", FirstOfClient, b"\x10\x13\x00\x04MQTT\x04\x06\x00\x3c\x00\x01d\x00\x01\x00\x00\x01m", V::Null("CONNECT")),
        bad("connect, will topic not utf-8", FirstOfClient, b"\x10\x13\x00\x04MQTT\x04\x06\x00\x3c\x00\x01d\x00\x01\xfe\x00\x01m", V::Utf8("CONNECT")),
        bad("connect, flags in the fixed header", FirstOfClient, b"\x11", V::ReservedBits("CONNECT")),
        bad("a second connect", Client, b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01d", V::Second("CONNECT")),
        bad("publish before connect", FirstOfClient, b"\x30\x04\x00\x01tx", V::First("PUBLISH", "CONNECT")),
        bad("ping before connect", FirstOfClient, b"\xc0\x00", V::First("PINGREQ", "CONNECT")),
        bad("an http request", FirstOfClient, b"GET / HTTP/1.1\r\n", V::ReservedBits("PUBACK")),
        bad("a tls handshake", FirstOfClient, b"\x16\x03\x01\x02\x00", V::ReservedBits("CONNECT")),
        bad("an amqp header", FirstOfClient, b"AMQP\x00\x01\x00\x00", V::ReservedBits("PUBACK")),

        good("connack, accepted", FirstOfServer, b"\x20\x02\x00\x00", conn_ack(false, 0)),
        good("connack, session present", FirstOfServer, b"\x20\x02\x01\x00", conn_ack(true, 0)),
        good("connack, level", FirstOfServer, b"\x20\x02\x00\x01", conn_ack(false, 1)),
        good("connack, not authorized", FirstOfServer, b"\x20\x02\x00\x05", conn_ack(false, 5)),
        bad("connack, code 6", FirstOfServer, b"\x20\x02\x00\x06", V::ReturnCode("CONNACK")),
        bad("connack, code 255", FirstOfServer, b"\x20\x02\x00\xff", V::ReturnCode("CONNACK")),
        bad("connack, refused with a session", FirstOfServer, b"\x20\x02\x01\x05", V::ReturnCode("CONNACK")),
        bad("connack, reserved flags", FirstOfServer, b"\x20\x02\x02\x00", V::ReservedBits("CONNACK")),
        bad("connack, short", FirstOfServer, b"\x20\x01\x00", V::Length("CONNACK")),
        bad("connack, long", FirstOfServer, b"\x20\x03\x00\x00\x00", V::Length("CONNACK")),
        bad("a second connack", Server, b"\x20\x02\x00\x00", V::Second("CONNACK")),
        bad("publish before connack", FirstOfServer, b"\x30\x04\x00\x01tx", V::First("PUBLISH", "CONNACK")),
        bad("connack from a client", FirstOfClient, b"\x20", V::Direction("CONNACK")),
        bad("connect from a server", FirstOfServer, b"\x10", V::Direction("CONNECT")),

        good("pingreq", Client, b"\xc0\x00", Packet::PingReq),
        bad("pingreq with a body", Client, b"\xc0\x01\x00", V::Length("PINGREQ")),
        bad("pingreq, flags", Client, b"\xc1", V::ReservedBits("PINGREQ")),
        bad("pingreq from a server", Server, b"\xc0\x00", V::Direction("PINGREQ")),
        good("pingresp", Server, b"\xd0\x00", Packet::PingResp),
        bad("pingresp with a body", Server, b"\xd0\x01\x00", V::Length("PINGRESP")),
        bad("pingresp from a client", Client, b"\xd0\x00", V::Direction("PINGRESP")),
        good("disconnect", Client, b"\xe0\x00", Packet::Disconnect),
        bad("disconnect with a body", Client, b"\xe0\x01\x00", V::Length("DISCONNECT")),
        bad("disconnect, flags", Client, b"\xe8", V::ReservedBits("DISCONNECT")),
        bad("disconnect from a server", Server, b"\xe0\x00", V::Direction("DISCONNECT")),

        bad("packet type 0", Client, b"\x00", V::PacketType(0)),
        bad("packet type 15, auth in 5", Client, b"\xf0", V::PacketType(15)),
        bad("remaining length in five bytes", Client, b"\x30\xff\xff\xff\xff\x01", V::RemainingLength),
        bad("remaining length in four bytes that want a fifth", Client, b"\x30\x80\x80\x80\x80", V::RemainingLength),
        bad("the largest remaining length", Client, b"\x30\xff\xff\xff\x7f", V::TooLarge { packet: "PUBLISH", bytes: 268_435_460, max: 328_144 }),
    ]
}
