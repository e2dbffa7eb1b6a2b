//! The topics of a hub, as a device writes and reads them (hub-device.md §2).

use serde_json::Value;

use muster_mqtt::Publish;

use super::{Desired, Device, HubError};

pub(super) const TWIN_ANSWERS: &str = "$iothub/twin/res/";
pub(super) const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/";

/// What the hub published.
#[derive(Debug)]
pub(super) enum FromHub {
    TwinAnswer(TwinAnswer),
    Desired(Desired),
    Other(Publish),
}

#[derive(Debug)]
pub(super) struct TwinAnswer {
    pub(super) rid: String,
    pub(super) status: u16,
    pub(super) version: Option<u64>,
    pub(super) body: Value,
}

pub(super) fn events(device: &Device, bag: &str) -> String {
    match &device.module {
        None => format!("devices/{}/messages/events/{bag}", device.id),
        Some(module) => format!("devices/{}/modules/{module}/messages/events/{bag}", device.id),
    }
}

pub(super) fn twin_get(rid: u64) -> String {
    format!("$iothub/twin/GET/?$rid={rid}")
}

pub(super) fn twin_report(rid: u64) -> String {
    format!("$iothub/twin/PATCH/properties/reported/?$rid={rid}")
}

pub(super) fn read(publish: Publish) -> Result<FromHub, HubError> {
    let topic: &str = &publish.topic;
    let senseless = || HubError::Senseless { what: format!("a message on `{topic}`") };
    let json = |payload: &[u8]| match payload.is_empty() {
        true => Ok(Value::Null),
        false => serde_json::from_slice(payload).map_err(|_| senseless()),
    };
    if let Some(rest) = topic.strip_prefix(TWIN_ANSWERS) {
        let (status, query) = rest.split_once("/?").ok_or_else(senseless)?;
        return Ok(FromHub::TwinAnswer(TwinAnswer {
            rid: query_value(query, "$rid").ok_or_else(senseless)?.to_owned(),
            status: status.parse().map_err(|_| senseless())?,
            version: query_value(query, "$version").and_then(|version| version.parse().ok()),
            body: json(&publish.payload)?,
        }));
    }
    if let Some(query) = topic.strip_prefix(DESIRED) {
        let version = query_value(query.trim_start_matches('?'), "$version").ok_or_else(senseless)?;
        return Ok(FromHub::Desired(Desired {
            version: version.parse().map_err(|_| senseless())?,
            patch: json(&publish.payload)?,
        }));
    }
    Ok(FromHub::Other(publish))
}

fn query_value<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeviceKey;
    use bytes::Bytes;
    use muster_mqtt::QoS;

    fn published(topic: &str, payload: &'static str) -> FromHub {
        read(Publish {
            topic: topic.into(),
            payload: Bytes::from(payload),
            qos: QoS::AtMostOnce,
            retain: false,
            dup: false,
            packet_id: None,
        })
        .unwrap()
    }

    #[test]
    fn a_report_is_answered_with_the_new_version_and_no_body() {
        let FromHub::TwinAnswer(answer) = published("$iothub/twin/res/204/?$rid=7&$version=12", "") else {
            panic!("not a twin answer");
        };
        assert_eq!((answer.rid.as_str(), answer.status, answer.version), ("7", 204, Some(12)));
        assert!(answer.body.is_null());
    }

    #[test]
    fn a_desired_change_carries_its_version_in_the_topic() {
        let topic = "$iothub/twin/PATCH/properties/desired/?$version=3";
        let FromHub::Desired(desired) = published(topic, r#"{"a":1,"$version":3}"#) else {
            panic!("not a desired change");
        };
        assert_eq!((desired.version, &desired.patch["a"]), (3, &Value::from(1)));
    }

    #[test]
    fn other_topics_are_kept_as_they_are() {
        assert!(matches!(published("devices/d/messages/devicebound/", "x"), FromHub::Other(_)));
    }

    #[test]
    fn a_module_sends_under_its_device() {
        let key = muster_sas::Key::from_bytes(vec![7; 32]).unwrap();
        let mut device = Device::new("d", DeviceKey::Symmetric { key });
        assert_eq!(events(&device, "a=b"), "devices/d/messages/events/a=b");
        device.module = Some("m".to_owned());
        assert_eq!(events(&device, ""), "devices/d/modules/m/messages/events/");
    }
}
