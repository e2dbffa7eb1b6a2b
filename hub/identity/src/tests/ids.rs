//! What an id may look like, and how it compares.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use muster_sas::EXPIRES_S_MAX;
use serde::de::DeserializeOwned;

use crate::{DeviceId, GenerationId, HostName, HubName, IdError, ModuleId, RegistrationId};

#[test]
fn a_device_id_has_the_alphabet_of_the_original() {
    for text in ["a", "A-b:c.d+e%f_g#h*i?j!k(l)m,n=o@p;q$r's", "$edgeAgent", &"x".repeat(128)] {
        assert_eq!(DeviceId::parse(text).unwrap().as_str(), text);
        assert_eq!(ModuleId::parse(text).unwrap().as_str(), text);
    }
    for text in ["", " ", "a/b", "a b", "é", "a&b", "a\0", "a\"", &"x".repeat(129)] {
        assert!(DeviceId::parse(text).is_err(), "{text}");
        assert!(ModuleId::parse(text).is_err(), "{text}");
    }
}

#[test]
fn device_ids_differ_by_letter_case_and_registration_ids_do_not() {
    assert_ne!(DeviceId::parse("Pump").unwrap(), DeviceId::parse("pump").unwrap());

    let ids = ["Pump", "pump"].map(|text| RegistrationId::parse(text).unwrap());
    assert_eq!(ids[0], ids[1]);
    assert_eq!(HashSet::from(ids.clone()).len(), 1);
    assert_eq!((ids[0].as_str(), ids[0].folded().as_str()), ("Pump", "pump"));
}

#[test]
fn a_registration_id_ends_in_a_letter_a_digit_or_a_hyphen() {
    for text in ["a", "sn-007:a_b.c-", "0", &"x".repeat(128)] {
        assert!(RegistrationId::parse(text).is_ok(), "{text}");
    }
    for text in ["", "a.", "a_", "a:", "a%b", "a$", "a/b", "a b", "é", &"x".repeat(129)] {
        assert!(RegistrationId::parse(text).is_err(), "{text}");
    }
}

#[test]
fn every_registration_id_is_a_device_id() {
    for byte in 0..=u8::MAX {
        let text = format!("a{}b", char::from(byte));
        if let Ok(id) = RegistrationId::parse(&text) {
            assert_eq!(DeviceId::from(&id), DeviceId::parse(&text).unwrap());
        }
    }
}

#[test]
fn a_host_name_is_lower_case_and_has_no_port() {
    assert_eq!(HostName::parse("Hub-1.Example.TEST").unwrap().as_str(), "hub-1.example.test");
    assert_eq!(HostName::parse("127.0.0.2").unwrap().as_str(), "127.0.0.2");
    assert_eq!(HostName::parse("hub-1.example.test").unwrap().first_label(), "hub-1");
    let label = "x".repeat(64);
    for text in ["", "h:443", "https://h", "h/x", ".", "a..b", "a.", "ö.test", &label] {
        assert!(HostName::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_hub_name_is_one_label_and_safe_as_a_folder() {
    assert_eq!(HubName::parse("Hub-1").unwrap().as_str(), "hub-1");
    for text in ["", "..", "a.b", "a/b", "a_b", &"x".repeat(51)] {
        assert!(HubName::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_generation_is_the_ticks_of_its_instant() {
    let at: Timestamp = "2026-11-20T20:57:01.3671234Z".parse().unwrap();
    assert_eq!(GenerationId::minted_at(at).as_str(), "639308050213671234");
}

#[test]
fn an_error_says_what_where_and_what_would_do() {
    assert_eq!(
        RegistrationId::parse("a b").unwrap_err().to_string(),
        "registration id has the character ` `, allowed are ASCII letters, digits and - . _ :"
    );
    assert_eq!(
        DeviceId::parse("a\n").unwrap_err().to_string(),
        "device id has the character `\\n`, allowed are ASCII letters, digits and - : . + % _ # * ? ! ( ) , = @ ; $ '"
    );
    assert_eq!(
        DeviceId::parse(&"x".repeat(200)).unwrap_err(),
        IdError::TooLong { what: "device id", characters: 200, max: 128 }
    );
}

#[test]
fn json_is_read_by_parse() {
    fn refuses<T: DeserializeOwned>(json: &str) -> bool {
        serde_json::from_str::<T>(json).is_err()
    }
    assert!(
        refuses::<DeviceId>(r#""a/b""#) && refuses::<RegistrationId>(r#""a.""#) && refuses::<HostName>("1")
    );
    let id: DeviceId = serde_json::from_str(r#""a\u0062""#).unwrap();
    assert_eq!(serde_json::to_string(&id).unwrap(), r#""ab""#);
}

#[test]
fn a_map_of_devices_is_asked_with_text() {
    let map = HashMap::from([(DeviceId::parse("pump").unwrap(), 1)]);
    assert_eq!(map.get("pump"), Some(&1));
}

#[test]
fn the_latest_expiry_of_a_token_is_an_instant() {
    assert_eq!(EXPIRES_S_MAX, Timestamp::MAX.as_second());
}
