//! An enrollment as JSON: for the table, for whoever wrote it, for readers (dps.md §7.2, §7.3).

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use muster_identity::{InitialTwin, Status};
use muster_x509::{Certificate, describe};
use serde_json::{Map, Value, json};

use super::{
    Attestation, Authorities, Certificates, Enrollment, EnrollmentKind, Keys, Pin, Subject,
    WithoutCertificate, definition::REQUIRED,
};

/// What of the attestation is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// All: what [`super::define`] needs to make the same enrollment again.
    Store,
    /// Keys, but of certificates the description only.
    Keys,
    /// Neither.
    Reader,
}

pub(crate) fn for_store(enrollment: &Enrollment) -> Value {
    Value::Object(body(enrollment, Shown::Store))
}

/// The answer to a PUT: the only one that has the keys, because they may have been made just now.
pub(crate) fn with_keys(enrollment: &Enrollment) -> Value {
    stamped(enrollment, Shown::Keys, None)
}

pub(crate) fn without_keys(enrollment: &Enrollment, registration: Option<Value>) -> Value {
    stamped(enrollment, Shown::Reader, registration)
}

/// The answer of `attestationmechanism`.
pub(crate) fn mechanism(enrollment: &Enrollment) -> Value {
    attestation(enrollment, Shown::Keys)
}

/// ISO 8601 with seven digits and `Z`: Java's parser takes nothing else (dps.md §11).
pub(crate) fn instant(at: Timestamp) -> String {
    format!("{at:.7}")
}

fn stamped(enrollment: &Enrollment, shown: Shown, registration: Option<Value>) -> Value {
    let mut json = body(enrollment, shown);
    if let Some(registration) = registration {
        json.insert("registrationState".to_owned(), registration);
    }
    json.insert("etag".to_owned(), enrollment.etag.quoted().into());
    json.insert("createdDateTimeUtc".to_owned(), instant(enrollment.created).into());
    json.insert("lastUpdatedDateTimeUtc".to_owned(), instant(enrollment.updated).into());
    Value::Object(json)
}

fn body(enrollment: &Enrollment, shown: Shown) -> Map<String, Value> {
    let mut json = Map::new();
    let mut set = |name: &str, value: Value| json.insert(name.to_owned(), value);
    match &enrollment.subject {
        Subject::Individual { id, device_id, information } => {
            set("registrationId", id.as_str().into());
            if let Some(device_id) = device_id {
                set("deviceId", device_id.as_str().into());
            }
            if let Some(information) = information {
                set("optionalDeviceInformation", information.clone());
            }
        }
        Subject::Group { id } => {
            set("enrollmentGroupId", id.as_str().into());
        }
    }
    set("attestation", attestation(enrollment, shown));
    set("capabilities", json!({ "iotEdge": enrollment.capabilities.iot_edge }));
    if let Some(InitialTwin { tags, desired }) = &enrollment.initial_twin {
        set("initialTwin", json!({ "tags": tags, "properties": { "desired": desired } }));
    }
    set(
        "provisioningStatus",
        match enrollment.status {
            Status::Enabled => "enabled".into(),
            Status::Disabled => "disabled".into(),
        },
    );
    let reprovision = enrollment.reprovision;
    set(
        "reprovisionPolicy",
        json!({
            "updateHubAssignment": reprovision.update_hub_assignment,
            "migrateDeviceData": reprovision.migrate_device_data,
        }),
    );
    set("allocationPolicy", enrollment.allocation.policy_name().as_str().into());
    if let Some(hub) = &enrollment.allocation.hub {
        set("iotHubHostName", hub.as_str().into());
    }
    if !enrollment.allocation.hubs.is_empty() {
        set("iotHubs", json!(enrollment.allocation.hubs));
    }
    if let Some(policy) = &enrollment.credential_policy {
        set("credentialPolicyName", policy.as_str().into());
    }
    // A member of our own, so that only those see it who have set it.
    match enrollment.without_certificate {
        WithoutCertificate::Admit => {}
        WithoutCertificate::Refuse => {
            set(REQUIRED, true.into());
        }
    }
    json
}

fn attestation(enrollment: &Enrollment, shown: Shown) -> Value {
    match (&enrollment.attestation, shown) {
        (Attestation::SymmetricKey(_), Shown::Reader) => json!({ "type": "symmetricKey" }),
        (Attestation::SymmetricKey(Keys { primary, secondary }), Shown::Store | Shown::Keys) => json!({
            "type": "symmetricKey",
            "symmetricKey": {
                "primaryKey": primary.to_base64().as_str(),
                "secondaryKey": secondary.to_base64().as_str(),
            },
        }),
        (Attestation::Certificates(pair), _) => {
            let member = match enrollment.kind() {
                EnrollmentKind::Individual => "clientCertificates",
                EnrollmentKind::Group => "signingCertificates",
            };
            pinned(json!({ member: certificates(pair, shown) }), pair.pin)
        }
        (Attestation::Authorities(Authorities { primary, secondary, pin }), _) => {
            pinned(json!({ "caReferences": pair(primary, secondary, |name| json!(name)) }), *pin)
        }
    }
}

/// A member of our own, so that only those see it who have set it; clients of the original pass over it.
fn pinned(mut x509: Value, pin: Pin) -> Value {
    match pin {
        Pin::Certificate => {}
        Pin::Key => x509["pin"] = pin.as_str().into(),
    }
    json!({ "type": "x509", "x509": x509 })
}

fn certificates(Certificates { primary, secondary, .. }: &Certificates, shown: Shown) -> Value {
    pair(primary, secondary, |certificate: &Certificate| match shown {
        Shown::Store => json!({ "certificate": BASE64_STANDARD.encode(certificate.der()) }),
        Shown::Keys | Shown::Reader => json!({ "info": describe(certificate) }),
    })
}

/// `primary` is there even when it is null (dps.md §7.3), a missing `secondary` is left out.
fn pair<T>(primary: &Option<T>, secondary: &Option<T>, show: impl Fn(&T) -> Value) -> Value {
    let mut json = Map::new();
    json.insert("primary".to_owned(), primary.as_ref().map_or(Value::Null, &show));
    if let Some(secondary) = secondary {
        json.insert("secondary".to_owned(), show(secondary));
    }
    Value::Object(json)
}
