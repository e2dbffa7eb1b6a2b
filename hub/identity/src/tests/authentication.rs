//! The JSON of a device's authentication.

use muster_sas::Key;
use serde_json::{Value, json};

use super::entropy;
use crate::{Authentication, AuthenticationError, RequestedAuthentication};

const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
const SHA1: &str = "0123456789ABCDEF0123456789ABCDEF01234567";

fn parse(json: Value) -> Result<RequestedAuthentication, AuthenticationError> {
    RequestedAuthentication::parse(Some(&json))
}

fn given(json: Value) -> Authentication {
    match parse(json).unwrap() {
        RequestedAuthentication::Given(authentication) => authentication,
        RequestedAuthentication::GenerateKeys => panic!("keys would be generated"),
    }
}

#[test]
fn keys_left_out_are_made() {
    assert_eq!(RequestedAuthentication::parse(None), Ok(RequestedAuthentication::GenerateKeys));
    for json in [
        json!(null),
        json!({}),
        json!({ "type": "sas" }),
        json!({ "type": "sas", "symmetricKey": null }),
        json!({ "symmetricKey": {}, "type": "sas" }),
        json!({ "symmetricKey": { "primaryKey": "", "secondaryKey": "" } }), // Node
        json!({ "symmetricKey": { "primaryKey": null, "secondaryKey": null }, "type": "Sas" }),
    ] {
        assert_eq!(parse(json.clone()), Ok(RequestedAuthentication::GenerateKeys), "{json}");
    }
    let made = RequestedAuthentication::GenerateKeys.settle(&entropy());
    let key = |text| Key::from_base64(text).unwrap();
    assert_eq!(made, Authentication::Sas { primary: key(ONE), secondary: key(TWO) });
}

#[test]
fn keys_given_are_kept() {
    let json = json!({ "type": "sas", "symmetricKey": { "primaryKey": ONE, "secondaryKey": TWO } });
    let key = |text| Key::from_base64(text).unwrap();
    assert_eq!(given(json), Authentication::Sas { primary: key(ONE), secondary: key(TWO) });
}

#[test]
fn one_key_is_none_too_few() {
    for keys in [json!({ "primaryKey": ONE }), json!({ "primaryKey": "", "secondaryKey": TWO })] {
        let error = parse(json!({ "type": "sas", "symmetricKey": keys })).unwrap_err();
        assert_eq!(error, AuthenticationError::OneKey);
        assert!(error.to_string().ends_with("either no keys or both keys can be set"));
    }
}

#[test]
fn a_thumbprint_has_40_or_64_digits_and_both_may_be_missing() {
    let with = |primary: &str, secondary: Value| {
        let thumbprints = json!({ "primaryThumbprint": primary, "secondaryThumbprint": secondary });
        parse(json!({ "type": "selfSigned", "x509Thumbprint": thumbprints }))
    };
    assert!(with(SHA1, json!(null)).is_ok());
    assert!(with(&"ab".repeat(32), json!(SHA1.to_lowercase())).is_ok());
    assert!(with("", json!(null)).is_ok());
    assert!(parse(json!({ "type": "selfSigned" })).is_ok());
    for bad in ["01:23", "abc", &"g".repeat(40)] {
        assert!(
            matches!(
                with(bad, json!("")),
                Err(AuthenticationError::Thumbprint { field: "primaryThumbprint", .. })
            ),
            "{bad}"
        );
    }
}

#[test]
fn a_thumbprint_without_a_type_means_self_signed() {
    let json = json!({ "x509Thumbprint": { "secondaryThumbprint": SHA1 } });
    assert_eq!(given(json).type_name(), "selfSigned");
}

#[test]
fn members_that_the_type_does_not_use_do_not_count() {
    let keys = json!({ "primaryKey": "not a key", "secondaryKey": null });
    let json = json!({ "type": "certificateAuthority", "symmetricKey": keys });
    assert_eq!(given(json), Authentication::CertificateAuthority);
}

#[test]
fn a_type_that_is_none_or_no_type_is_refused() {
    assert_eq!(parse(json!({ "type": "none" })), Err(AuthenticationError::TypeNone));
    assert_eq!(parse(json!({ "type": "tpm" })), Err(AuthenticationError::Type { found: "tpm".to_owned() }));
    assert!(matches!(parse(json!("sas")), Err(AuthenticationError::Shape { .. })));
    assert!(matches!(parse(json!({ "type": 1 })), Err(AuthenticationError::Shape { .. })));
}

#[test]
fn a_bad_key_is_refused_by_the_name_of_its_field_and_is_not_repeated() {
    let keys = json!({ "primaryKey": ONE, "secondaryKey": "secret!" });
    let error = parse(json!({ "symmetricKey": keys })).unwrap_err().to_string();
    assert!(
        error.starts_with("`authentication.symmetricKey.secondaryKey`: the key is not base64"),
        "{error}"
    );
    assert!(!error.contains("secret!"));
}

#[test]
fn every_member_is_written_and_read_back() {
    let sas = RequestedAuthentication::GenerateKeys.settle(&entropy());
    assert_eq!(
        serde_json::to_value(&sas).unwrap(),
        json!({
            "symmetricKey": { "primaryKey": ONE, "secondaryKey": TWO },
            "x509Thumbprint": { "primaryThumbprint": null, "secondaryThumbprint": null },
            "type": "sas",
        })
    );
    let self_signed = given(json!({ "type": "selfSigned", "x509Thumbprint": { "primaryThumbprint": SHA1 } }));
    assert_eq!(
        serde_json::to_value(&self_signed).unwrap(),
        json!({
            "symmetricKey": { "primaryKey": null, "secondaryKey": null },
            "x509Thumbprint": { "primaryThumbprint": SHA1, "secondaryThumbprint": null },
            "type": "selfSigned",
        })
    );
    for authentication in [sas, self_signed, Authentication::CertificateAuthority] {
        let text = serde_json::to_string(&authentication).unwrap();
        assert_eq!(serde_json::from_str::<Authentication>(&text).unwrap(), authentication);
    }
    assert!(serde_json::from_str::<Authentication>(r#"{"type":"sas"}"#).is_err());
}
