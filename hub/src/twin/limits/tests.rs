//! Every limit of §7.2 at its edge.

use serde_json::json;

use super::*;

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!("value"), |inner, _| json!({ "k": inner }))
}

fn refusal(document: Value) -> String {
    accept(Part::Reported, map(document)).unwrap_err().to_string()
}

#[test]
fn what_the_limits_allow_is_accepted() {
    let documents = [
        json!({}),
        json!({ "a": null, "b": { "c": null } }),
        json!({ "a": [1, 2, [3, { "b": true }]], "c": 1.5, "d": "" }),
        json!({ "max": INTEGER_MAX, "min": INTEGER_MIN, "float": 1e300 }),
        json!({ "s": "x".repeat(STRING_BYTES_MAX) }),
        json!({ "k".repeat(KEY_BYTES_MAX): 1 }),
        json!({ "ключ": "значение" }),
        nested(DEPTH_MAX + 1), // ten objects below the root, as in the docs' example
    ];
    for document in documents {
        assert_eq!(accept(Part::Desired, map(document.clone())), Ok(map(document)));
    }
}

#[test]
fn what_clients_send_back_is_taken_away() {
    let sent = json!({ "$version": 3, "$metadata": { "$lastUpdated": "…" }, "a": 1 });
    assert_eq!(accept(Part::Desired, map(sent)), Ok(map(json!({ "a": 1 }))));
}

#[test]
fn every_limit_is_refused_with_its_place_and_reason() {
    let cases = [
        (json!({ "a": { "b c": 1 } }), "`properties.reported.a.b c`: name has the character ` `"),
        (json!({ "a.b": 1 }), "`properties.reported.a.b`: name has the character `.`"),
        (json!({ "$a": 1 }), "`properties.reported.$a`: name has the character `$`"),
        (json!({ "a": { "$version": 1 } }), "`properties.reported.a.$version`: name has the character `$`"),
        (json!({ "#": 1 }), "name has the character `#`"),
        (json!({ "a\u{7f}": 1 }), "name has the character `\\u{7f}`"),
        (json!({ "": 1 }), "empty name"),
        (json!({ "k".repeat(KEY_BYTES_MAX + 1): 1 }), "name of 1025 bytes, at most 1024"),
        (
            json!({ "s": "x".repeat(STRING_BYTES_MAX + 1) }),
            "`properties.reported.s`: string of 4097 bytes, at most 4096",
        ),
        (json!({ "n": INTEGER_MAX + 1 }), "integer 4503599627370496 is outside"),
        (json!({ "n": INTEGER_MIN - 1 }), "integer -4503599627370497 is outside"),
        (json!({ "n": u64::MAX }), "integer 18446744073709551615 is outside"),
        (json!({ "a": [1, null] }), "null inside an array"),
        (json!({ "a": [{ "b": null }] }), "null inside an array"),
        (nested(DEPTH_MAX + 2), "maximum depth of 10 exceeded"),
        (json!({ "a": [[[[[[[[[[[1]]]]]]]]]]] }), "maximum depth of 10 exceeded"),
    ];
    for (document, reason) in cases {
        let told = refusal(document);
        assert!(told.contains(reason), "{told} does not say {reason}");
    }
}

#[test]
fn sizes_are_those_of_the_formula() {
    let cases = [
        (json!({ "ab": "cde" }), 5),
        (json!({ "a": 123_456 }), 9),
        (json!({ "a": true, "b": null }), 6),
        (json!({ "a": { "b": [1, "xy"] } }), 1 + 1 + 8 + 2),
        (json!({ "a": "x\u{1}y" }), 3),
    ];
    for (document, bytes) in cases {
        assert_eq!(object_bytes(&map(document.clone())), bytes, "{document}");
    }
}

#[test]
fn a_document_over_its_size_is_refused() {
    let full: Map<_, _> = (0..8).map(|i| (i.to_string(), json!("x".repeat(1_023)))).collect();
    assert_eq!(fits(Part::Tags, &full), Ok(()));
    let mut over = full;
    over.insert("z".to_owned(), json!(""));
    let told = fits(Part::Tags, &over).unwrap_err().to_string();
    assert_eq!(told, "`tags` has 8193 bytes, the size limit is 8192");
    assert_eq!(fits(Part::Desired, &over), Ok(()));
}
