//! Any text as token, connection string, key, and resource.

#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_sas::{ConnectionString, Key, Token, resource_covers, sign};

fuzz_target!(|text: &str| {
    let key = Key::from_bytes(vec![7; 32]).expect("32 bytes are a key");
    if let Ok(token) = Token::parse(text) {
        let _ = (token.is_signed_by(&key), token.is_signed_by_text_of(&key), token.is_expired(0));
        let _ = token.is_expired(i64::MAX);
        let signed = sign(&token.resource, &key, token.expires_s, token.policy.as_deref());
        if let Ok(again) = Token::parse(&signed) {
            assert!(again.is_signed_by(&key) && again.resource == token.resource);
        }
    }
    if let Ok(connection) = ConnectionString::parse(text) {
        assert!(ConnectionString::parse(&connection.to_text()).is_ok());
    }
    let _ = (Key::from_base64(text).map(|key| key.to_base64()), key.derive(text));
    if let Some((granted, requested)) = text.split_once('\n') {
        let _ = resource_covers(granted, requested);
    }
});
