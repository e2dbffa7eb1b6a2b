//! Topics and filters from the contract and from captures of unmodified SDKs.

use std::num::NonZeroU16;

use super::*;

const ID: NonZeroU16 = NonZeroU16::MIN;

fn publish(topic: &str, body: &'static [u8]) -> Publish {
    Publish {
        topic: ByteString::from(topic),
        payload: Bytes::from_static(body),
        qos: QoS::AtLeastOnce,
        retain: false,
        dup: false,
        packet_id: Some(ID),
    }
}

fn telemetry(properties: &str) -> Result<FromDevice, Disconnect> {
    Ok(FromDevice::Telemetry {
        packet_id: Some(ID),
        properties: Bytes::from(properties.to_owned()),
        body: Bytes::from_static(b"b"),
    })
}

#[test]
fn every_spelling_of_the_telemetry_topic_gives_its_bag() {
    let cases = [
        ("devices/d/messages/events", ""),
        ("devices/d/messages/events/", ""),
        ("devices/d/messages/events//", ""),
        ("devices/d/messages/events/?", ""),
        ("devices/d/messages/events/?a=1", "a=1"),
        ("devices/d/messages/events/a=1&b", "a=1&b"),
        ("devices/d/messages/events/a=1/", "a=1"),
        ("devices/d/messages/events/a=1/2", "a=1/2"),
        (
            "devices/d/messages/events/%24.mid=m0&%24.ct=application%2Fjson&%C3%BCn%C3%AF=w%C3%A9rt%3D1",
            "%24.mid=m0&%24.ct=application%2Fjson&%C3%BCn%C3%AF=w%C3%A9rt%3D1",
        ),
    ];
    for (topic, bag) in cases {
        assert_eq!(decode_publish("d", publish(topic, b"b")), telemetry(bag), "{topic}");
    }
}

#[test]
fn ids_that_look_like_wildcards_are_themselves() {
    assert_eq!(decode_publish("a+#", publish("devices/a+#/messages/events/", b"b")), telemetry(""));
    assert!(decode_publish("+", publish("devices/d/messages/events/", b"b")).is_err());
}

#[test]
fn a_topic_that_is_not_the_devices_own_ends_the_connection() {
    let topics = [
        "devices/other/messages/events/",
        "devices/dd/messages/events/",
        "devices/d/messages/eventsX",
        "devices/D/messages/events/",
        "devices/d/messages/devicebound/x",
        "devices/d/modules/m/messages/events/",
        "$iothub/twin/patch/properties/reported/?$rid=1",
        "$iothub/twin/PATCH/properties/desired/?$rid=1",
        "$iothub/twin/PATCH/properties/reported/?$rid=1&$version=x",
        "$iothub/methods/res/ok/?$rid=1",
        "$dps/registrations/PUT/iotdps-register/?$rid=1",
        "hello",
    ];
    for topic in topics {
        assert_eq!(
            decode_publish("d", publish(topic, b"")),
            Err(Disconnect::ForbiddenTopic(topic.to_owned())),
            "{topic}"
        );
    }
}

#[test]
fn twin_requests_carry_their_rid_as_sent() {
    let rid = "72ee0940-684e-4d34-8331-3335df6b4c89";
    let get = decode_publish("d", publish(&format!("$iothub/twin/GET/?$rid={rid}"), b" "));
    assert_eq!(get, Ok(FromDevice::TwinGet { packet_id: Some(ID), rid: rid.into() }));
    let patch = publish("$iothub/twin/PATCH/properties/reported/?$rid=0A&$version=4", b"{}");
    assert_eq!(
        decode_publish("d", patch),
        Ok(FromDevice::TwinPatch {
            packet_id: Some(ID),
            rid: "0A".into(),
            base: Some(4),
            body: Bytes::from_static(b"{}"),
        })
    );
}

#[test]
fn a_request_that_cannot_be_answered_ends_the_connection() {
    for topic in
        ["$iothub/twin/GET/", "$iothub/twin/GET/?$rid=", "$iothub/twin/PATCH/properties/reported/?$version=1"]
    {
        assert_eq!(
            decode_publish("d", publish(topic, b"")),
            Err(Disconnect::MissingRid(topic.to_owned())),
            "{topic}"
        );
    }
}

#[test]
fn retain_and_dup_become_properties() {
    let flagged = |topic: &str, retain, dup| {
        let message = Publish { retain, dup, ..publish(topic, b"b") };
        decode_publish("d", message)
    };
    assert_eq!(flagged("devices/d/messages/events/", true, false), telemetry("mqtt-retain=true"));
    assert_eq!(flagged("devices/d/messages/events/a=1", false, true), telemetry("a=1&mqtt-dup=true"));
    assert_eq!(
        flagged("devices/d/messages/events/a", true, true),
        telemetry("a&mqtt-retain=true&mqtt-dup=true")
    );
}

#[test]
fn the_filters_of_every_sdk_are_known() {
    let qos = QoS::AtLeastOnce;
    let cases = [
        ("devices/d/messages/devicebound/#", Some(Subject::CloudToDevice)),
        ("devices/+/messages/devicebound/#", Some(Subject::CloudToDevice)),
        ("$iothub/twin/res/#", Some(Subject::TwinResponses)),
        ("$iothub/twin/PATCH/properties/desired/#", Some(Subject::DesiredChanges)),
        ("$iothub/methods/POST/#", Some(Subject::Methods)),
        ("$iothub/credentials/res/#", Some(Subject::Credentials)),
        ("$iothub/streams/POST/#", Some(Subject::StreamRequests)),
        ("$iothub/streams/res/#", Some(Subject::StreamResponses)),
        ("devices/other/messages/devicebound/#", None),
        ("devices/d/modules/m/#", None),
        ("$iothub/#", None),
        ("#", None),
    ];
    for (text, subject) in cases {
        let expected = match subject {
            Some(subject) => Filter::Subject(subject, qos),
            None => Filter::Unknown(text.to_owned(), qos),
        };
        assert_eq!(decode_filter("d", text.to_owned(), qos), expected, "{text}");
    }
}
