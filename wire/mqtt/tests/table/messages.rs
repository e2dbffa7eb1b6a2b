//! PUBLISH, SUBSCRIBE, UNSUBSCRIBE and their acknowledgements.

use super::*;

fn at_most_once(topic: &str, payload: &'static [u8]) -> Packet {
    let Packet::Publish(publish) = publish(topic, payload) else { unreachable!() };
    Packet::Publish(Publish { qos: QoS::AtMostOnce, packet_id: None, ..publish })
}

fn again(topic: &str, payload: &'static [u8]) -> Packet {
    let Packet::Publish(publish) = publish(topic, payload) else { unreachable!() };
    Packet::Publish(Publish { dup: true, retain: true, packet_id: Some(id(0xffff)), ..publish })
}

fn filters(filters: &[(&str, QoS)]) -> Packet {
    let filters = filters.iter().map(|(filter, qos)| ((*filter).to_owned(), *qos)).collect();
    Packet::Subscribe { packet_id: id(10), filters }
}

fn unsubscribe(filters: &[&str]) -> Packet {
    Packet::Unsubscribe {
        packet_id: id(10),
        filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
    }
}

/// One more filter than is allowed.
fn too_many(first: u8, options: &[u8]) -> Vec<u8> {
    let filters = [&b"\x00\x01x"[..], options].concat().repeat(65);
    let length = filters.len() + 2;
    [&[first, (length % 128) as u8 | 0x80, (length / 128) as u8, 0, 10][..], &filters].concat()
}

#[rustfmt::skip] // a table
pub(crate) fn cases() -> Vec<Case> {
    use Sender::{Client, Server};
    use QoS::{AtLeastOnce, AtMostOnce};
    use Violation as V;
    vec![
        good("publish, qos 0", Client, b"\x30\x06\x00\x03a/bx", at_most_once("a/b", b"x")),
        good("publish, qos 0, no payload", Client, b"\x30\x03\x00\x01t", at_most_once("t", b"")),
        good("publish, qos 1", Client, b"\x32\x08\x00\x03a/b\x00\x01x", publish("a/b", b"x")),
        good("publish, qos 1, no payload", Client, b"\x32\x07\x00\x03a/b\x00\x01", publish("a/b", b"")),
        good("publish, qos 1, dup and retain", Client, b"\x3b\x06\x00\x01t\xff\xffx", again("t", b"x")),
        good("publish, payload that is no text", Client, b"\x30\x05\x00\x01t\xff\x00", at_most_once("t", b"\xff\x00")),
        good("publish, topic beyond ascii", Client, b"\x30\x06\x00\x04\xf0\x9f\x8c\xb3", at_most_once("🌳", b"")),
        good("publish, topic with a control character", Client, b"\x30\x03\x00\x01\x07", at_most_once("\u{7}", b"")),
        good("publish, topic of a slash", Client, b"\x30\x03\x00\x01/", at_most_once("/", b"")),
        good("publish from a server", Server, b"\x32\x08\x00\x03a/b\x00\x01x", publish("a/b", b"x")),
        good("publish from a server to an id with wildcard characters", Server, b"\x30\x06\x00\x04d/a+", at_most_once("d/a+", b"")),
        bad("publish, qos 0 with dup", Client, b"\x38\x06\x00\x03a/bx", V::DupAtMostOnce),
        bad("publish, qos 2", Client, b"\x34\x08\x00\x03a/b\x00\x01x", V::QoS2),
        bad("publish, qos 2, from its first byte", Client, b"\x34", V::QoS2),
        bad("publish, qos 3", Client, b"\x36", V::QoS3),
        bad("publish, packet id 0", Client, b"\x32\x08\x00\x03a/b\x00\x00x", V::PacketId("PUBLISH")),
        bad("publish, no packet id", Client, b"\x32\x05\x00\x03a/b", V::Length("PUBLISH")),
        bad("publish, half a packet id", Client, b"\x32\x06\x00\x03a/b\x00", V::Length("PUBLISH")),
        bad("publish, empty", Client, b"\x30\x00", V::Length("PUBLISH")),
        bad("publish, topic longer than the packet", Client, b"\x30\x04\x00\x03ab", V::Length("PUBLISH")),
        bad("publish, empty topic", Client, b"\x30\x03\x00\x00x", V::TopicEmpty("PUBLISH")),
        bad("publish, topic with +", Client, b"\x30\x05\x00\x03a/+", V::TopicWildcard("a/+".into())),
        bad("publish, topic with # inside", Client, b"\x30\x05\x00\x03a#b", V::TopicWildcard("a#b".into())),
        bad("publish, topic with U+0000", Client, b"\x30\x05\x00\x03a\x00b", V::Null("PUBLISH")),
        bad("publish, topic not utf-8", Client, b"\x30\x05\x00\x03a\xffb", V::Utf8("PUBLISH")),
        bad("publish, topic overlong utf-8", Client, b"\x30\x04\x00\x02\xc0\x80", V::Utf8("PUBLISH")),
        bad("publish from a server, topic with U+0000", Server, b"\x30\x03\x00\x01\x00", V::Null("PUBLISH")),

        good("puback", Client, b"\x40\x02\x01\x00", Packet::PubAck(id(256))),
        good("puback from a server", Server, b"\x40\x02\xff\xff", Packet::PubAck(id(0xffff))),
        bad("puback, packet id 0", Client, b"\x40\x02\x00\x00", V::PacketId("PUBACK")),
        bad("puback, short", Client, b"\x40\x01\x01", V::Length("PUBACK")),
        bad("puback, long", Client, b"\x40\x03\x00\x01\x00", V::Length("PUBACK")),
        bad("puback, flags", Client, b"\x42\x02\x00\x01", V::ReservedBits("PUBACK")),
        bad("pubrec", Client, b"\x50\x02\x00\x01", V::QoS2),
        bad("pubrel", Client, b"\x62\x02\x00\x01", V::QoS2),
        bad("pubcomp", Server, b"\x70\x02\x00\x01", V::QoS2),

        good("subscribe", Client, b"\x82\x06\x00\x0a\x00\x01t\x01", filters(&[("t", AtLeastOnce)])),
        good("subscribe, several", Client, b"\x82\x0e\x00\x0a\x00\x03a/+\x00\x00\x03b/#\x01", filters(&[("a/+", AtMostOnce), ("b/#", AtLeastOnce)])),
        good("subscribe, #", Client, b"\x82\x06\x00\x0a\x00\x01#\x00", filters(&[("#", AtMostOnce)])),
        good("subscribe, + alone, empty levels", Client, b"\x82\x0a\x00\x0a\x00\x05/+//+\x00", filters(&[("/+//+", AtMostOnce)])),
        read_only("subscribe, qos 2 is taken as 1", Client, b"\x82\x06\x00\x0a\x00\x01t\x02", filters(&[("t", AtLeastOnce)])),
        bad("subscribe, qos 3", Client, b"\x82\x06\x00\x0a\x00\x01t\x03", V::QoS3),
        bad("subscribe, reserved bits of the options", Client, b"\x82\x06\x00\x0a\x00\x01t\x05", V::ReservedBits("SUBSCRIBE")),
        bad("subscribe, flags", Client, b"\x80", V::ReservedBits("SUBSCRIBE")),
        bad("subscribe, no filters", Client, b"\x82\x02\x00\x0a", V::FiltersMissing("SUBSCRIBE")),
        bad("subscribe, too many filters", Client, &too_many(0x82, b"\x00"), V::FiltersTooMany { packet: "SUBSCRIBE", max: 64 }),
        bad("subscribe, packet id 0", Client, b"\x82\x06\x00\x00\x00\x01t\x01", V::PacketId("SUBSCRIBE")),
        bad("subscribe, no options", Client, b"\x82\x05\x00\x0a\x00\x01t", V::Length("SUBSCRIBE")),
        bad("subscribe, filter longer than the packet", Client, b"\x82\x06\x00\x0a\x00\x09t\x01", V::Length("SUBSCRIBE")),
        bad("subscribe, a byte too many", Client, b"\x82\x07\x00\x0a\x00\x01t\x01\x00", V::Length("SUBSCRIBE")),
        bad("subscribe, empty", Client, b"\x82\x00", V::Length("SUBSCRIBE")),
        bad("subscribe, empty filter", Client, b"\x82\x05\x00\x0a\x00\x00\x01", V::Filter(String::new())),
        bad("subscribe, # not last", Client, b"\x82\x0a\x00\x0a\x00\x05a/#/b\x01", V::Filter("a/#/b".into())),
        bad("subscribe, # not alone", Client, b"\x82\x09\x00\x0a\x00\x04a/b#\x01", V::Filter("a/b#".into())),
        bad("subscribe, + not alone", Client, b"\x82\x07\x00\x0a\x00\x02a+\x01", V::Filter("a+".into())),
        bad("subscribe, filter with U+0000", Client, b"\x82\x06\x00\x0a\x00\x01\x00\x01", V::Null("SUBSCRIBE")),
        bad("subscribe, filter not utf-8", Client, b"\x82\x06\x00\x0a\x00\x01\xff\x01", V::Utf8("SUBSCRIBE")),
        bad("subscribe from a server", Server, b"\x82", V::Direction("SUBSCRIBE")),

        good("suback", Server, b"\x90\x05\x00\x0a\x00\x01\x80", Packet::SubAck { packet_id: id(10), codes: vec![0, 1, 0x80] }),
        good("suback, qos 2, which was not asked for", Server, b"\x90\x03\x00\x0a\x02", Packet::SubAck { packet_id: id(10), codes: vec![2] }),
        bad("suback, code that does not exist", Server, b"\x90\x03\x00\x0a\x03", V::ReturnCode("SUBACK")),
        bad("suback, no codes", Server, b"\x90\x02\x00\x0a", V::Length("SUBACK")),
        bad("suback, packet id 0", Server, b"\x90\x03\x00\x00\x00", V::PacketId("SUBACK")),
        bad("suback from a client", Client, b"\x90", V::Direction("SUBACK")),

        good("unsubscribe", Client, b"\xa2\x05\x00\x0a\x00\x01t", unsubscribe(&["t"])),
        good("unsubscribe, several", Client, b"\xa2\x0a\x00\x0a\x00\x01t\x00\x03a/#", unsubscribe(&["t", "a/#"])),
        bad("unsubscribe, flags", Client, b"\xa0", V::ReservedBits("UNSUBSCRIBE")),
        bad("unsubscribe, no filters", Client, b"\xa2\x02\x00\x0a", V::FiltersMissing("UNSUBSCRIBE")),
        bad("unsubscribe, too many filters", Client, &too_many(0xa2, b""), V::FiltersTooMany { packet: "UNSUBSCRIBE", max: 64 }),
        bad("unsubscribe, packet id 0", Client, b"\xa2\x05\x00\x00\x00\x01t", V::PacketId("UNSUBSCRIBE")),
        bad("unsubscribe, empty filter", Client, b"\xa2\x04\x00\x0a\x00\x00", V::Filter(String::new())),
        bad("unsubscribe, bad filter", Client, b"\xa2\x06\x00\x0a\x00\x02#a", V::Filter("#a".into())),
        bad("unsubscribe, a byte too many", Client, b"\xa2\x06\x00\x0a\x00\x01tx", V::Length("UNSUBSCRIBE")),
        bad("unsubscribe, filter longer than the packet", Client, b"\xa2\x05\x00\x0a\x00\x02t", V::Length("UNSUBSCRIBE")),

        good("unsuback", Server, b"\xb0\x02\x00\x0a", Packet::UnsubAck(id(10))),
        bad("unsuback, packet id 0", Server, b"\xb0\x02\x00\x00", V::PacketId("UNSUBACK")),
        bad("unsuback, long", Server, b"\xb0\x03\x00\x0a\x00", V::Length("UNSUBACK")),
        bad("unsuback from a client", Client, b"\xb0", V::Direction("UNSUBACK")),
    ]
}
