//! What a device takes along.

use serde_json::{Value, json};

use crate::{Capabilities, DeviceState, InitialTwin, Section, Status};

fn object(json: Value) -> serde_json::Map<String, Value> {
    json.as_object().unwrap().clone()
}

#[test]
fn a_device_state_survives_the_journey_with_its_versions() {
    let section = |version| Section {
        properties: object(json!({ "b": 1, "a": { "c": [true, "x"] } })),
        version,
        metadata: object(json!({ "$lastUpdated": "2026-11-20T20:57:01.3671234Z" })),
    };
    let state = DeviceState {
        tags: object(json!({ "site": "x" })),
        desired: section(7),
        reported: section(u64::MAX),
        capabilities: Capabilities { iot_edge: true },
    };
    let text = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<DeviceState>(&text).unwrap(), state);
    assert!(text.contains(r#""properties":{"b":1,"a""#), "the order of properties stays: {text}");
    assert!(text.contains(r#""capabilities":{"iotEdge":true}"#), "{text}");
}

#[test]
fn a_section_begins_at_version_one() {
    assert_eq!(serde_json::from_str::<DeviceState>("{}").unwrap(), DeviceState::default());
    assert_eq!(DeviceState::default().desired.version, 1);
}

#[test]
fn defaults_are_those_of_the_original() {
    assert_eq!(serde_json::to_string(&Status::default()).unwrap(), r#""enabled""#);
    assert_eq!(serde_json::to_string(&Capabilities::default()).unwrap(), r#"{"iotEdge":false}"#);
    assert_eq!(serde_json::from_str::<InitialTwin>(r#"{"tags":{}}"#).unwrap(), InitialTwin::default());
}
