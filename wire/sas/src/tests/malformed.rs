//! Tokens in odd shapes, and tokens that are none.

use proptest::{collection::vec, prelude::*, sample::select};

use crate::{CLOCK_SKEW_S, EXPIRES_S_MAX, Key, TOKEN_BYTES_MAX, Token, TokenError, sign};

const SIG: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3D";

fn token(fields: &str) -> Result<Token, TokenError> {
    Token::parse(&format!("SharedAccessSignature {}", fields.replace("SIG", SIG)))
}

#[test]
fn fields_come_in_any_order_and_letter_case() {
    for fields in
        ["sr=h&sig=SIG&se=5&skn=p", "SKN=p&Se=5&SR=h&sIg=SIG", "skn=p&future=1&flag&sr=h&&se=5&sig=SIG&"]
    {
        let token = token(fields).unwrap();
        assert_eq!((token.resource.as_str(), token.expires_s, token.policy.as_deref()), ("h", 5, Some("p")));
    }
}

#[test]
fn an_empty_policy_name_is_none() {
    assert_eq!(token("sr=h&sig=SIG&se=5&skn=").unwrap().policy, None); // Java
}

#[test]
fn white_space_around_and_between_does_not_matter() {
    let text = format!("  SharedAccessSignature \t sr=h&sig={SIG}&se=5\r\n");
    assert_eq!(Token::parse(&text).unwrap().resource, "h");
}

#[test]
fn the_signature_is_over_the_resource_as_sent_in_either_hex_case() {
    let key = Key::from_bytes(vec![9; 32]).unwrap();
    for sr in [
        "S/registrations/a:b",
        "S%2Fregistrations%2Fa%3Ab",
        "S%2fregistrations%2fa%3ab",
        "S%2Fregistrations%2Fa%253Ab",
    ] {
        let signature = base64_of(key.mac(format!("{sr}\n99").as_bytes()).as_ref());
        let token = token(&format!("sr={sr}&sig={signature}&se=99")).unwrap();
        assert_eq!(token.resource_as_sent, sr);
        assert!(token.is_signed_by(&key), "{sr}");
    }
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(bytes).replace('+', "%2b").replace('=', "%3d")
}

#[test]
fn the_expiry_is_signed_as_sent_and_read_as_a_number() {
    for (se, expires_s) in [
        ("1795211871", 1_795_211_871),
        ("1795211871.9", 1_795_211_871),
        ("1.795211871e9", 1_795_211_871),
        ("-1", 0),
        ("99999999999999999999", EXPIRES_S_MAX),
    ] {
        assert_eq!(token(&format!("sr=h&sig=SIG&se={se}")).unwrap().expires_s, expires_s, "{se}");
    }
    for se in ["", "soon", "inf", "NaN", "0x10", "1 2"] {
        assert!(token(&format!("sr=h&sig=SIG&se={se}")).is_err(), "{se}");
    }
}

#[test]
fn what_is_missing_twice_or_garbled_is_named() {
    for (fields, error) in [
        ("sig=SIG&se=5", TokenError::Missing { field: "sr" }),
        ("sr=&sig=SIG&se=5", TokenError::Missing { field: "sr" }),
        ("sr=h&se=5", TokenError::Missing { field: "sig" }),
        ("sr=h&sig=SIG", TokenError::Missing { field: "se" }),
        ("sr=h&sr=i&sig=SIG&se=5", TokenError::Repeated { field: "sr" }),
        ("sr=%ff&sig=SIG&se=5", TokenError::NotUtf8 { field: "sr" }),
        ("sr=h&sig=AAAA&se=5", TokenError::Signature),
        ("sr=h&sig=*&se=5", TokenError::Signature),
        ("sr=h&sig=SIG&se=x", TokenError::Expiry),
    ] {
        assert_eq!(token(fields).unwrap_err(), error, "{fields}");
    }
    for text in
        ["", "SharedAccessSignature", "sharedaccesssignature sr=h", "Bearer x", "SharedAccessSignature a b"]
    {
        assert_eq!(Token::parse(text).unwrap_err(), TokenError::NotAToken, "{text}");
    }
    let long = "x".repeat(TOKEN_BYTES_MAX + 1);
    assert_eq!(Token::parse(&long).unwrap_err(), TokenError::TooLong { bytes: TOKEN_BYTES_MAX + 1 });
}

#[test]
fn the_longest_ids_fit_encoded_twice() {
    let worst = "%25".repeat(128); // an id of 128 percent signs, encoded once
    let key = Key::from_bytes(vec![9; 32]).unwrap();
    let resource = format!("{}/devices/{worst}/modules/{worst}", "h".repeat(253));
    assert!(Token::parse(&sign(&resource, &key, EXPIRES_S_MAX, Some(&"p".repeat(64)))).is_ok());
}

#[test]
fn a_token_is_good_until_its_expiry_plus_the_skew_of_clocks() {
    let token = token("sr=h&sig=SIG&se=1000").unwrap();
    assert!(!token.is_expired(1000 + CLOCK_SKEW_S));
    assert!(token.is_expired(1001 + CLOCK_SKEW_S));
}

#[test]
fn a_signature_does_not_show_in_debug_output() {
    let shown = format!("{:?}", token("sr=h&sig=SIG&se=5").unwrap());
    assert_eq!(shown, r#"Token { resource: "h", expires_s: 5, policy: None, .. }"#);
}

proptest! {
    #[test]
    fn any_text_is_a_token_or_an_error(text in any::<String>()) {
        let _ = Token::parse(&text);
        let _ = token(&text);
    }

    #[test]
    fn any_mix_of_fields_is_a_token_or_an_error(
        parts in vec(select(vec!["sr", "sig", "se", "skn", "=", "&", "%", "%2", "%2F", "%ff", "+", "SIG", "9", "-1e999", "é", " "]), 0..24),
    ) {
        let _ = token(&parts.concat());
    }

    #[test]
    fn what_we_sign_we_read_and_verify(
        resource in "[ -~é]{1,64}",
        key in vec(any::<u8>(), 16..=64),
        expires_s in 0..=EXPIRES_S_MAX,
        policy in proptest::option::of("[ -~]{1,20}"),
    ) {
        let key = Key::from_bytes(key).unwrap();
        let token = Token::parse(&sign(&resource, &key, expires_s, policy.as_deref())).unwrap();
        prop_assert!(token.is_signed_by(&key));
        prop_assert!(!token.is_signed_by(&key.derive("another")));
        prop_assert_eq!((token.resource, token.expires_s, token.policy), (resource, expires_s, policy));
    }
}
