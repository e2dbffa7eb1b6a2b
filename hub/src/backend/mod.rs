//! What service clients read of the event log: one event as JSON, its properties decoded and sorted by kind (hub-service.md §6.7).

use base64::{Engine, prelude::BASE64_STANDARD};
use muster_events::Stored;
use serde_json::{Map, Value, json};

use crate::telemetry::bag;

pub(crate) fn event_json(stored: &Stored) -> Value {
    let event = &stored.event;
    let bag = String::from_utf8_lossy(&event.properties);
    let (system, application) = properties(&bag);
    let content_type = system.get("content-type").and_then(Value::as_str).unwrap_or_default();
    let (encoding, body) = body(content_type, &event.body);
    let mut json = json!({
        "partition": stored.partition,
        "offset": stored.offset,
        "enqueuedTime": format!("{:.7}", event.enqueued),
        "deviceId": &*event.device,
        "generationId": &*event.generation,
        "authMethod": &*event.auth_method,
        "source": event.source.name(),
        "systemProperties": system,
        "properties": application,
        "bodyEncoding": encoding,
        "body": body,
    });
    if let (Some(module), Some(json)) = (&event.module, json.as_object_mut()) {
        json.insert("moduleId".to_owned(), json!(&**module));
    }
    json
}

/// Names of AMQP fields and annotations, as Event Hubs clients know them (hub-device.md §2.2).
fn system_name(key: &str) -> Option<&'static str> {
    Some(match key.strip_prefix("$.")? {
        "mid" => "message-id",
        "cid" => "correlation-id",
        "uid" => "user-id",
        "to" => "to",
        "exp" => "absolute-expiry-time",
        "ct" => "content-type",
        "ce" => "content-encoding",
        "ctime" => "iothub-creation-time-utc",
        "on" => "iothub-outputname",
        "ifid" => "iothub-interface-id",
        "sub" => "dt-subject",
        "schema" => "iothub-message-schema",
        "diagid" => "Diagnostic-Id",
        "diagctx" => "Correlation-Context",
        _ => return None,
    })
}

/// A key alone has the value null.
fn properties(text: &str) -> (Map<String, Value>, Map<String, Value>) {
    let (mut system, mut application) = (Map::new(), Map::new());
    for property in bag::properties(text) {
        let key = bag::decoded(property.key);
        let value = property.value.map_or(Value::Null, |value| json!(bag::decoded(value)));
        match system_name(&key) {
            Some(name) => system.insert(name.to_owned(), value),
            None => application.insert(key.into_owned(), value),
        };
    }
    (system, application)
}

/// As JSON where the content type says so and it is, as text where it is UTF-8, else as base64.
fn body(content_type: &str, bytes: &[u8]) -> (&'static str, Value) {
    if content_type.to_ascii_lowercase().contains("json")
        && let Ok(json) = serde_json::from_slice(bytes)
    {
        return ("json", json);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => ("text", json!(text)),
        Err(_) => ("base64", json!(BASE64_STANDARD.encode(bytes))),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;
    use muster_events::{Event, Source};

    use super::*;

    fn stored(properties: &'static str, body: &'static [u8]) -> Stored {
        Stored {
            partition: 1,
            offset: 7,
            event: Event {
                enqueued: Timestamp::UNIX_EPOCH,
                device: "d".into(),
                module: None,
                generation: "g".into(),
                auth_method: "{}".into(),
                source: Source::Telemetry,
                properties: Bytes::from_static(properties.as_bytes()),
                body: Bytes::from_static(body),
            },
        }
    }

    #[test]
    fn an_event_of_the_python_sdk() {
        let bag = "%24.mid=m0&%24.ct=application%2Fjson&%24.ce=utf-8&kind=lab%20%26%20test&%C3%BCn%C3%AF=w%C3%A9rt%3D1";
        let json = event_json(&stored(bag, br#"{"i": 0, "t": 20.5}"#));
        assert_eq!(
            json["systemProperties"],
            json!({ "message-id": "m0", "content-type": "application/json", "content-encoding": "utf-8" })
        );
        assert_eq!(json["properties"], json!({ "kind": "lab & test", "ünï": "wért=1" }));
        assert_eq!((&json["bodyEncoding"], &json["body"]), (&json!("json"), &json!({ "i": 0, "t": 20.5 })));
        assert_eq!((&json["offset"], &json["partition"]), (&json!(7), &json!(1)));
        assert_eq!(json["enqueuedTime"], "1970-01-01T00:00:00.0000000Z");
        assert_eq!(json.get("moduleId"), None);
    }

    #[test]
    fn a_body_is_shown_as_what_it_is() {
        let shown = |bag, body| {
            let json = event_json(&stored(bag, body));
            (json["bodyEncoding"].clone(), json["body"].clone())
        };
        assert_eq!(shown("", b"{}"), (json!("text"), json!("{}")));
        assert_eq!(shown("$.ct=application%2Fjson", b"{broken"), (json!("text"), json!("{broken")));
        assert_eq!(shown("", &[0xff, 0]), (json!("base64"), json!("/wA=")));
    }
}
