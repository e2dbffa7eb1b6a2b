//! Keys: lengths, texts, derivation, and that they do not show.

use crate::{Key, KeyError};

#[test]
fn a_device_key_of_a_group_is_the_hmac_of_its_registration_id() {
    let group = Key::from_base64(
        "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==",
    )
    .unwrap();
    let device = group.derive("sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6");
    assert_eq!(*device.to_base64(), "Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=");
}

#[test]
fn a_derived_key_depends_on_the_letter_case_of_the_id() {
    let group = Key::from_bytes(vec![7; 64]).unwrap();
    assert_ne!(group.derive("Pump-1"), group.derive("pump-1"));
}

#[test]
fn a_key_has_16_to_64_bytes() {
    assert!(
        Key::from_base64("bXVzdGVyLWxhYi0xNg==").is_err_and(|e| e == KeyError::WrongLength { bytes: 13 })
    );
    for bytes in [15, 65] {
        assert_eq!(Key::from_bytes(vec![0; bytes]), Err(KeyError::WrongLength { bytes }));
    }
    for bytes in [16, 32, 64] {
        let key = Key::from_bytes(vec![1; bytes]).unwrap();
        assert_eq!(Key::from_base64(&key.to_base64()), Ok(key));
    }
}

#[test]
fn a_huge_text_is_refused_before_it_is_decoded() {
    assert!(matches!(Key::from_base64(&"A".repeat(1 << 20)), Err(KeyError::WrongLength { bytes: 786_432 })));
}

#[test]
fn a_key_is_padded_standard_base64() {
    for text in ["", "!", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA_-==", " AAAAAAAAAAAAAAAAAAAAAA=="] {
        assert!(Key::from_base64(text).is_err(), "{text}");
    }
}

#[test]
fn a_hand_made_key_with_stray_bits_is_the_key_its_devices_use() {
    assert_eq!(
        Key::from_base64("AAAAAAAAAAAAAAAAAAAAAB=="), // strictly, the last letter may only be A, Q, g or w
        Key::from_base64("AAAAAAAAAAAAAAAAAAAAAA==")
    );
}

#[test]
fn a_generated_key_is_what_entropy_gave() {
    let key = Key::generate::<32>(&|bytes| bytes.fill(3));
    assert_eq!(key, Key::from_bytes(vec![3; 32]).unwrap());
}

#[test]
fn a_key_does_not_show_in_debug_output() {
    let key = Key::from_base64("bXVzdGVyLWxhYi1pb3RodWJvd25lci1rZXktMDAwMDAw").unwrap();
    assert_eq!(format!("{key:?}"), "Key(redacted)");
}
