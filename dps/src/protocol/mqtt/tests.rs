//! User names and topics as the SDKs write them, from captures and from dps.md §1.

use muster_mqtt::QoS;
use serde_json::json;

use super::*;
use crate::TrackingId;

fn publish(topic: &str, payload: &'static [u8]) -> Publish {
    Publish {
        topic: topic.into(),
        payload: Bytes::from_static(payload),
        qos: QoS::AtLeastOnce,
        retain: false,
        dup: false,
        packet_id: std::num::NonZeroU16::new(2),
    }
}

#[test]
fn every_sdks_user_name_is_understood() {
    let cases = [
        // Python, captured
        "0ne00000001/registrations/acc-dev-9a541312/api-version=2019-03-31&ClientVersion=azure-iot-device-provisioning-py%2F2.14.0%283.11.7%3BLinux%20%231%20SMP%20PREEMPT_DYNAMIC%20%400%3Bx86_64%29",
        // Node, captured
        "0ne00000001/registrations/acc-dev-9a541312/api-version=2019-03-31&ClientVersion=azure-iot-provisioning-device%2F1.9.1",
        // C: raw; Java: the version again; embedded C: a user agent with slashes, or nothing
        "0ne00000001/registrations/acc-dev-9a541312/api-version=2019-03-31&ClientVersion=1.15.0",
        "0ne00000001/registrations/acc-dev-9a541312/api-version=2019-03-31&ClientVersion=2019-03-31",
        "0ne00000001/registrations/acc-dev-9a541312/api-version=2019-03-31&ClientVersion=a/b c",
        "0ne00000001/registrations/acc-dev-9a541312/api-version=2019-03-31",
        // the other order, and a question mark as hubs have it
        "0ne00000001/registrations/acc-dev-9a541312/?ClientVersion=1&api-version=2019-03-31",
    ];
    for case in cases {
        let username = parse_username(case).unwrap();
        assert_eq!(username.scope, "0ne00000001", "{case}");
        assert_eq!(username.registration_id.as_str(), "acc-dev-9a541312", "{case}");
        assert_eq!(username.api_version, "2019-03-31", "{case}");
        assert!(is_provisioning(case));
    }
}

#[test]
fn an_encoded_registration_id_is_decoded() {
    let username = parse_username("0ne1/registrations/a%3Ab/api-version=2021-06-01").unwrap();
    assert_eq!(username.registration_id.as_str(), "a:b");
}

#[test]
fn a_user_name_that_is_none_is_told_what_is_wrong() {
    let text = |username: &str| parse_username(username).unwrap_err().to_string();
    assert!(text("").contains("form"));
    assert!(text("0ne1/registrations/d1").contains("form"));
    assert!(text("0ne1/devices/d1/api-version=2019-03-31").contains("form"));
    assert!(text("0ne1/registrations/d 1/api-version=2019-03-31").contains("registration id"));
    assert!(text("0ne1/registrations/d1/").contains("api-version"));
    assert!(text("0ne1/registrations/d1/api-version=banana").contains("banana"));
    assert!(!is_provisioning("hub.muster.test/acc-dev/?api-version=2019-10-01"));
}

#[test]
fn captured_requests_are_decoded() {
    let (rid, ask) = decode(&publish(
        "$dps/registrations/PUT/iotdps-register/?$rid=ebfc3b06-eac6-4a67-a567-63d5c45ab795",
        b"{\"payload\": null, \"registrationId\": \"d1\"}",
    ))
    .unwrap();
    assert_eq!(rid, Rid("ebfc3b06-eac6-4a67-a567-63d5c45ab795".to_owned()));
    assert!(matches!(ask, Ask::Register { body, .. } if body.len() == 41));

    let (rid, ask) = decode(&publish(
        "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1&operationId=5.c66d3e6c871a12ea.f7e50779-b6ea-4fbb-a2e6-ab79ce31db48",
        b" ",
    ))
    .unwrap();
    assert_eq!(rid, Rid("1".to_owned()));
    assert!(matches!(ask, Ask::Status { operation_id } if operation_id.0.starts_with("5.c66d")));
}

#[test]
fn other_topics_are_refused() {
    for topic in [
        "devices/d1/messages/events/",
        "$dps/registrations/PUT/iotdps-register/",
        "$dps/registrations/PUT/iotdps-register/?$rid=",
        "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1",
        "$dps/registrations/POST/iotdps-register/?$rid=1",
    ] {
        assert!(decode(&publish(topic, b"")).is_err(), "{topic}");
    }
    assert!(is_response_filter("$dps/registrations/res/#"));
    assert!(!is_response_filter("$dps/#"));
}

#[test]
fn an_answer_is_what_the_sdks_parse() {
    let mut answer = Answer {
        status: 202,
        retry_after_s: Some(3),
        body: json!({ "operationId": "5.a.b", "status": "assigning" }),
        tracking_id: TrackingId::random(&|bytes: &mut [u8]| bytes.fill(7)),
    };
    let rid = Rid("1".to_owned());
    let (topic, payload) = encode(&rid, &answer);
    assert_eq!(topic, "$dps/registrations/res/202/?$rid=1&retry-after=3");
    assert_eq!(payload, r#"{"operationId":"5.a.b","status":"assigning"}"#);

    answer.status = 200;
    answer.retry_after_s = None;
    assert_eq!(encode(&rid, &answer).0, "$dps/registrations/res/200/?$rid=1");
}
