//! Enrollments read, refused and shown; ETags; the texts of queries.

use muster_identity::{Entropy, HostName, Status};
use muster_sas::Key;
use serde_json::{Value, json};

use super::*;
use crate::tests::{entropy, id, key, now, root, symmetric, x509};

fn read(kind: EnrollmentKind, body: &Value) -> Result<Definition, Invalid> {
    let entropy: Entropy = entropy();
    define(kind, id("d1"), body, Known::Request { existing: None, entropy: &entropy })
}

fn individual(body: Value) -> Result<Definition, Invalid> {
    read(EnrollmentKind::Individual, &body)
}

fn stamped(definition: Definition) -> Enrollment {
    definition.stamped(Etag::stored("0"), now(), now())
}

#[test]
fn what_a_body_leaves_out_is_filled_in() {
    let definition =
        individual(json!({ "attestation": { "type": "symmetricKey" }, "deviceId": null })).unwrap();
    assert_eq!(definition.status, Status::Enabled);
    assert_eq!(definition.reprovision.rule(), OnReturn::MoveWithData);
    assert_eq!(definition.allocation.policy(), Some(Policy::Hashed));
    assert!(!definition.capabilities.iot_edge);
    assert!(matches!(definition.subject, Subject::Individual { device_id: None, information: None, .. }));
}

#[test]
fn a_wrong_body_is_told_the_field_and_what_would_be_right() {
    let with = |field: &str, value: Value| {
        let mut body = json!({ "attestation": { "type": "symmetricKey" } });
        body[field] = value;
        individual(body).unwrap_err().to_string()
    };
    let leaf = crate::tests::leaf("d1", &root("r"));
    let short = json!({ "type": "symmetricKey", "symmetricKey": { "primaryKey": "AAAA" } });
    let cases = [
        (with("registrationId", json!("d2")), "field `registrationId`: is `d2` but the path says `d1`"),
        (with("registrationId", json!(7)), "field `registrationId`: write a string"),
        (with("deviceId", json!("a b")), "field `deviceId`: device id has the character"),
        (with("attestation", Value::Null), "field `attestation.type`: is missing"),
        (with("attestation", json!("x")), "field `attestation`: write a JSON object"),
        (with("attestation", json!({ "type": "tpm" })), "TPM attestation is not available yet"),
        (with("attestation", json!({ "type": "none" })), "`none` is unknown"),
        (with("attestation", short), "field `attestation.symmetricKey.primaryKey`: the key has 3 bytes"),
        (with("attestation", json!({ "type": "x509" })), "give `clientCertificates` or `caReferences`"),
        (with("attestation", x509("signingCertificates", &leaf)), "belongs to a group"),
        (
            with(
                "attestation",
                json!({ "type": "x509", "x509": { "clientCertificates": { "primary": { "certificate": "!" } } } }),
            ),
            "field `attestation.x509.clientCertificates.primary.certificate`: certificate",
        ),
        (
            with("provisioningStatus", json!("on")),
            "field `provisioningStatus`: `on` is unknown, use `enabled`",
        ),
        (
            with("reprovisionPolicy", json!({ "migrateDeviceData": "yes" })),
            "field `reprovisionPolicy.migrateDeviceData`",
        ),
        (with("allocationPolicy", json!("static")), "field `iotHubs`: `static` needs exactly one hub"),
        (with("allocationPolicy", json!("custom")), "`custom` is not available yet"),
        (with("allocationPolicy", json!("geoLatency")), "`geoLatency` is not available yet"),
        (
            with("customAllocationDefinition", json!({ "webhookUrl": "https://x" })),
            "custom allocation is not available",
        ),
        (with("credentialPolicyName", json!("issuing/")), "`issuing/` names no profile"),
        (with("iotHubs", json!("h")), "field `iotHubs`: write a JSON array"),
        (with("iotHubs", json!(["a b"])), "field `iotHubs`: `a b`: host name has the character"),
        (
            with("initialTwin", json!({ "tags": { "a.b": 1 } })),
            "field `initialTwin.tags`: the name `a.b` has a `.`",
        ),
        (
            with("initialTwin", json!({ "properties": { "desired": { "x": { "$y": 1 } } } })),
            "which no twin may have",
        ),
        (with("initialTwin", json!({ "tags": { "a": "x".repeat(9000) } })), "at most 8192 are allowed"),
        (
            with("optionalDeviceInformation", json!([])),
            "field `optionalDeviceInformation`: write a JSON object",
        ),
    ];
    for (told, expected) in cases {
        assert!(told.contains(expected), "`{expected}` is not in: {told}");
    }
    assert!(individual(Value::Null).unwrap_err().to_string().contains("is empty"));

    let group = |body: Value| read(EnrollmentKind::Group, &body).unwrap_err().to_string();
    assert!(
        group(json!({ "attestation": x509("signingCertificates", &leaf) }))
            .contains("is not a CA certificate")
    );
    assert!(
        group(json!({ "attestation": x509("clientCertificates", &leaf) }))
            .contains("belongs to an individual")
    );
    let named = json!({ "attestation": { "type": "symmetricKey" }, "deviceId": "d" });
    assert!(group(named).contains("cannot be set on a group"));
}

#[test]
fn certificates_are_read_in_every_wrapping_clients_use() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let top = root("factory").certificate;
    let pem = muster_x509::to_pem(top.der());
    for text in [
        pem.clone(),
        pem.replace('\n', ""),
        BASE64_STANDARD.encode(top.der()),
        BASE64_STANDARD.encode(&pem), // Node's users, captured
    ] {
        let body = json!({ "attestation": { "type": "x509", "x509": { "signingCertificates": { "primary": null, "secondary": { "certificate": text } } } } });
        let definition = read(EnrollmentKind::Group, &body).unwrap();
        let expected = Certificates {
            primary: None,
            secondary: Some(top.clone()),
            pin: crate::enrollment::Pin::Certificate,
        };
        assert_eq!(definition.attestation, Attestation::Certificates(expected));
    }
}

#[test]
fn what_is_stored_is_what_is_read_back() {
    let top = root("factory").certificate;
    let own = json!({
        "registrationId": "d1", "deviceId": "pump-7", "optionalDeviceInformation": { "a": 1 },
        "attestation": symmetric(&key(1), &key(2)), "capabilities": { "iotEdge": true },
        "iotHubHostName": "Hub.Example.test", "initialTwin": { "tags": { "t": [1] }, "properties": { "desired": {} } },
        "provisioningStatus": "disabled", "reprovisionPolicy": { "updateHubAssignment": false },
    });
    let references = json!({ "type": "x509", "x509": { "caReferences": { "secondary": "Root-1" } } });
    let cases = [
        (EnrollmentKind::Individual, own),
        (EnrollmentKind::Individual, json!({ "attestation": references })),
        (
            EnrollmentKind::Group,
            json!({ "attestation": x509("signingCertificates", &top), "iotHubs": ["h1", "h2"] }),
        ),
    ];
    for (kind, body) in cases {
        let enrollment = stamped(read(kind, &body).unwrap());
        let stored = for_store(&enrollment);
        let again = stamped(define(kind, id("d1"), &stored, Known::Store).unwrap());
        // Defaults are spelled out in the table, so they are compared as they are shown.
        assert_eq!(with_keys(&again), with_keys(&enrollment));
        assert_eq!(again.attestation, enrollment.attestation);
        assert_eq!(for_store(&again), stored);
    }
}

#[test]
fn one_hub_named_the_old_way_is_static() {
    let body = json!({ "attestation": { "type": "symmetricKey" }, "iotHubHostName": "HUB.example.test" });
    let hub = HostName::parse("hub.example.test").unwrap();
    assert_eq!(individual(body).unwrap().allocation.policy(), Some(Policy::Static(hub)));
}

#[test]
fn generated_keys_have_64_bytes_and_given_ones_stay() {
    let given = json!({ "type": "symmetricKey", "symmetricKey": { "primaryKey": key(7).to_base64().as_str(), "secondaryKey": "" } });
    let Attestation::SymmetricKey(keys) = individual(json!({ "attestation": given })).unwrap().attestation
    else {
        panic!("keys were asked for");
    };
    assert_eq!(keys.primary, key(7));
    let bytes = |key: &Key| key.to_base64().len() / 4 * 3 - 2;
    assert_eq!(bytes(&keys.secondary), 64);
}

#[test]
fn if_match_decides_what_a_write_may_do() {
    let etag = Etag::stored("1f");
    let (here, none) = (Some(&etag), None);
    let parse = |header| Precondition::parse(header).unwrap();
    for bare in ["\"1f\"", "1f", "W/\"1f\"", " \"1f\" "] {
        assert_eq!(decide_put(here, &parse(Some(bare))), Ok(Write::Replace), "{bare}");
    }
    assert_eq!(decide_put(here, &parse(Some("*"))), Ok(Write::Replace));
    assert_eq!(decide_put(here, &parse(Some("\"*\""))), Ok(Write::Replace));
    assert_eq!(decide_put(none, &parse(Some("*"))), Ok(Write::Create));
    assert_eq!(decide_put(none, &parse(None)), Ok(Write::Create));
    assert_eq!(decide_put(here, &parse(None)), Err(Unfulfilled::Exists));
    assert_eq!(decide_put(here, &parse(Some("\"20\""))), Err(Unfulfilled::Changed));
    assert_eq!(decide_put(none, &parse(Some("\"1f\""))), Err(Unfulfilled::NotFound));
    assert_eq!(decide_delete(here, &parse(None)), Ok(()));
    assert_eq!(decide_delete(here, &parse(Some("\"20\""))), Err(Unfulfilled::Changed));
    assert_eq!(decide_delete(none, &parse(Some("*"))), Err(Unfulfilled::NotFound));
    for unreadable in ["", "\"\"", "\"a\", \"b\"", "a b"] {
        assert_eq!(Precondition::parse(Some(unreadable)), Err(EtagUnreadable), "{unreadable}");
    }
}

#[test]
fn queries_in_the_wild_are_understood() {
    let json = json!({ "provisioningStatus": "enabled", "iotHubs": ["h1", "h2"], "capabilities": { "iotEdge": true }, "attestation": { "type": "x509" } });
    let takes = |text: &str| parse_query(text).map(|filter| filter.takes(&json));
    for all in [
        "",
        " ",
        "*",
        "SELECT *",
        "select * from enrollments",
        "SELECT * FROM enrollmentGroups",
        "{'additional_properties': {}, 'query': 'SELECT *'}",
    ] {
        assert_eq!(takes(all), Ok(true), "{all}");
    }
    for (text, expected) in [
        ("select * where provisioningStatus = 'Enabled'", true),
        ("select * from enrollments where iotHubs=`h2`", true),
        ("select * where iotHubs = \"h3\"", false),
        ("SELECT * WHERE capabilities.iotEdge = true AND attestation.type='x509'", true),
        ("SELECT * WHERE capabilities.iotEdge = false", false),
        ("SELECT * WHERE nothing = 'x'", false),
    ] {
        assert_eq!(takes(text), Ok(expected), "{text}");
    }
    for wrong in [
        "SELECT",
        "SELECT a",
        "SELECT * FROM",
        "DELETE *",
        "SELECT * WHERE",
        "SELECT * WHERE a",
        "SELECT * WHERE a =",
        "SELECT * WHERE a = 'x",
        "SELECT * WHERE a = 'x' OR b = 'y'",
        "SELECT * ORDER BY a",
        "é",
    ] {
        assert!(takes(wrong).is_err(), "{wrong}");
    }
    assert_eq!(parse_query(&"x".repeat(5000)), Err(QueryError::TooLong { bytes: 5000 }));
}
