//! Which resource opens which.

use proptest::prelude::*;

use crate::resource_covers;

#[track_caller]
fn opens(granted: &str, requested: &str) {
    assert!(resource_covers(granted, requested), "`{granted}` must open `{requested}`");
}

#[track_caller]
fn does_not_open(granted: &str, requested: &str) {
    assert!(!resource_covers(granted, requested), "`{granted}` must not open `{requested}`");
}

#[test]
fn a_resource_opens_itself_and_what_is_below() {
    opens("hub.test", "hub.test/devices/d");
    opens("hub.test/devices", "hub.test/devices/d");
    opens("hub.test/devices/d", "hub.test/devices/d");
    opens("hub.test/devices/d", "hub.test/devices/d/modules/m");
}

#[test]
fn a_resource_does_not_open_its_parent_or_its_sibling() {
    does_not_open("hub.test/devices/d", "hub.test/devices");
    does_not_open("hub.test/devices/d/modules/m", "hub.test/devices/d");
    does_not_open("hub.test/devices/d/modules/m", "hub.test/devices/d/modules/n");
    does_not_open("hub.test", "hub.test.evil/devices/d");
}

#[test]
fn segments_are_compared_whole() {
    does_not_open("hub.test/devices/pump", "hub.test/devices/pump2");
    does_not_open("hub", "hub.test");
}

#[test]
fn letter_case_scheme_port_and_outer_slashes_do_not_count() {
    opens("HUB.Test/Devices/D", "hub.test/devices/d");
    opens("sb://hub.test/events/", "hub.test/events/ConsumerGroups/$Default");
    opens("https://hub.test:443/", "hub.test/devices/d");
    opens("hub.test:8443/devices", "hub.test/devices/d");
}

#[test]
fn ids_encoded_twice_are_decoded_once_more_and_ids_with_percent_signs_are_not() {
    opens("hub.test/devices/a%3Ab", "hub.test/devices/a:b"); // as C# leaves it
    opens("hub.test/devices/a%3ab", "hub.test/devices/a:b");
    opens("hub.test/devices/a%3Ab", "hub.test/devices/a%3Ab"); // an id with a percent sign in it
    does_not_open("hub.test/devices/a%2Fb", "hub.test/devices/a/b"); // an encoded slash makes no segment
}

#[test]
fn an_api_version_behind_an_identity_is_ignored() {
    opens("hub.test/devices/d/api-version=2016-11-14", "hub.test/devices/d");
    opens("hub.test/devices/d/?api-version=2016-11-14", "hub.test/devices/d");
    opens("hub.test/devices/d/modules/m/api-version=2016-11-14", "hub.test/devices/d/modules/m");
}

#[test]
fn a_device_called_api_version_does_not_open_all_devices() {
    does_not_open("hub.test/devices/api-version=1", "hub.test/devices/d");
    does_not_open("hub.test/devices/d/modules/api-version=1", "hub.test/devices/d/modules/m");
    opens("hub.test/devices/api-version=1", "hub.test/devices/api-version=1");
}

#[test]
fn nothing_opens_nothing() {
    for granted in ["", "/", "//", "https://", "https:///"] {
        does_not_open(granted, "hub.test");
    }
}

proptest! {
    #[test]
    fn any_texts_are_compared_without_a_panic(granted in any::<String>(), requested in any::<String>()) {
        let _ = resource_covers(&granted, &requested);
    }

    #[test]
    fn a_grant_for_one_device_opens_no_other(one in "[a-zA-Z0-9:.+_#*?!(),=@;$'-]{1,12}", other in "[a-z0-9:.+%_#*?!(),=@;$'-]{1,12}") {
        let opened = resource_covers(&format!("hub.test/devices/{one}"), &format!("hub.test/devices/{other}"));
        prop_assert_eq!(opened, one.eq_ignore_ascii_case(&other));
    }
}
