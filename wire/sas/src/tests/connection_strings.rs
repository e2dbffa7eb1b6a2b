//! Connection strings of services.

use crate::{ConnectionString, ConnectionStringError, KeyError};

const KEY: &str = "bXVzdGVyLWxhYi1pb3RodWJvd25lci1rZXktMDAwMDAw";

fn text() -> String {
    format!("HostName=hub.test;SharedAccessKeyName=iothubowner;SharedAccessKey={KEY}")
}

#[test]
fn a_connection_string_is_written_as_it_was_read() {
    let parsed = ConnectionString::parse(&text()).unwrap();
    assert_eq!((parsed.host_name.as_str(), parsed.policy.as_str()), ("hub.test", "iothubowner"));
    assert_eq!(*parsed.to_text(), text());
}

#[test]
fn parts_come_in_any_order_and_letter_case_and_keys_may_end_in_equal_signs() {
    let text = "sharedaccesskey=AAAAAAAAAAAAAAAAAAAAAA==;HOSTNAME=h;SharedAccessKeyName=p;\n";
    assert_eq!(*ConnectionString::parse(text).unwrap().key.to_base64(), "AAAAAAAAAAAAAAAAAAAAAA==");
}

#[test]
fn what_is_wrong_is_named() {
    use ConnectionStringError::*;
    for (text, error) in [
        ("HostName=h;SharedAccessKeyName=p".to_owned(), Missing { name: "SharedAccessKey" }),
        (format!("HostName=;SharedAccessKeyName=p;SharedAccessKey={KEY}"), Missing { name: "HostName" }),
        (format!("HostName=h;SharedAccessKey={KEY}"), Missing { name: "SharedAccessKeyName" }),
        (format!("{};HostName=i", text()), Repeated { name: "HostName" }),
        (format!("{};DeviceId=d", text()), Unknown { name: "DeviceId".to_owned() }),
        (format!("{};x", text()), NotAPair),
        ("HostName=h;SharedAccessKeyName=p;SharedAccessKey=x".to_owned(), Key(KeyError::NotBase64)),
        ("x".repeat(2000), TooLong { bytes: 2000 }),
    ] {
        assert_eq!(ConnectionString::parse(&text), Err(error), "{text}");
    }
}

#[test]
fn the_key_does_not_show_in_debug_output() {
    assert!(!format!("{:?}", ConnectionString::parse(&text()).unwrap()).contains(KEY));
}
