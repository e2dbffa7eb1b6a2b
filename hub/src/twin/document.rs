//! A twin as its readers see it: the device without metadata, service clients with everything (hub-device.md §7.1).

use serde_json::{Map, Value, json};

use super::{
    StoredSection, Twin, TwinRefusal,
    edit::{object, section},
};
use crate::registry::{Device, etag};

/// `{"desired":{…,"$version":7},"reported":{…,"$version":12}}`: stored text with the versions put in, nothing parsed.
pub(crate) fn device_view(twin: &Twin) -> String {
    let mut view = String::with_capacity(twin.desired.properties.len() + twin.reported.properties.len() + 96);
    view.push_str("{\"desired\":");
    push_with_version(&mut view, &twin.desired);
    view.push_str(",\"reported\":");
    push_with_version(&mut view, &twin.reported);
    view.push('}');
    view
}

/// Stored properties are what `serde_json` writes: `{}`, or members before one last brace.
fn push_with_version(view: &mut String, section: &StoredSection) {
    match section.properties.strip_suffix('}') {
        None | Some("{") => view.push('{'),
        Some(members) => {
            view.push_str(members);
            view.push(',');
        }
    }
    view.push_str("\"$version\":");
    view.push_str(&section.version.to_string());
    view.push('}');
}

/// Members that are the connection's, not stored.
#[derive(Clone, Debug)]
pub(crate) struct Liveness {
    pub connection_state: &'static str,
    pub changed: String,
    pub last_activity: String,
}

pub(crate) fn service_view(device: &Device, twin: &Twin, liveness: &Liveness) -> Result<Value, TwinRefusal> {
    let (primary, secondary) = device.thumbprints();
    let mut view = json!({
        "deviceId": device.id.as_str(),
        "etag": etag::of_twin(twin.etag),
        "deviceEtag": etag::of_identity(device.etag),
        "status": device.status_name(),
        "statusReason": device.status_reason,
        "statusUpdateTime": device.status_updated_text(),
        "connectionState": liveness.connection_state,
        "lastActivityTime": liveness.last_activity,
        "cloudToDeviceMessageCount": 0,
        "authenticationType": device.authentication.type_name(),
        "x509Thumbprint": { "primaryThumbprint": primary, "secondaryThumbprint": secondary },
        "modelId": device.model_id,
        "version": twin.version,
        "tags": object(&twin.tags)?,
        "properties": {
            "desired": with_metadata(&twin.desired)?,
            "reported": with_metadata(&twin.reported)?,
        },
        "capabilities": { "iotEdge": device.capabilities.iot_edge },
    });
    if let (Some(scope), Some(view)) = (device.scope(), view.as_object_mut()) {
        view.insert("deviceScope".to_owned(), json!(scope));
        view.insert("parentScopes".to_owned(), json!([]));
    }
    Ok(view)
}

fn with_metadata(stored: &StoredSection) -> Result<Map<String, Value>, TwinRefusal> {
    let section = section(stored)?;
    let mut properties = section.properties;
    properties.insert("$metadata".to_owned(), Value::Object(section.metadata));
    properties.insert("$version".to_owned(), json!(section.version));
    Ok(properties)
}
