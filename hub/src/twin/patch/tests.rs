//! Merging and replacing, with and without metadata.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn the_table_of_rfc_7386() {
    let cases = [
        (json!({ "a": "b" }), json!({ "a": "c" }), json!({ "a": "c" })),
        (json!({ "a": "b" }), json!({ "b": "c" }), json!({ "a": "b", "b": "c" })),
        (json!({ "a": "b" }), json!({ "a": null }), json!({})),
        (json!({ "a": "b", "b": "c" }), json!({ "a": null }), json!({ "b": "c" })),
        (json!({ "a": ["b"] }), json!({ "a": "c" }), json!({ "a": "c" })),
        (json!({ "a": "c" }), json!({ "a": ["b"] }), json!({ "a": ["b"] })),
        (json!({ "a": { "b": "c" } }), json!({ "a": { "b": "d", "c": null } }), json!({ "a": { "b": "d" } })),
        (json!({ "a": [{ "b": "c" }] }), json!({ "a": [1] }), json!({ "a": [1] })),
        (json!({ "e": 1 }), json!({ "a": 1, "gone": null }), json!({ "e": 1, "a": 1 })),
        (json!({}), json!({ "a": { "bb": { "ccc": null } } }), json!({ "a": { "bb": {} } })),
        (json!({ "a": { "b": 1 } }), json!({ "a": { "b": null } }), json!({ "a": {} })),
        (json!({ "a": 1 }), json!({ "a": { "b": 1 } }), json!({ "a": { "b": 1 } })),
    ];
    for (before, change, after) in cases {
        let mut tags = map(before.clone());
        merge_tags(&mut tags, &map(change.clone()));
        assert_eq!(tags, map(after.clone()), "tags {before} + {change}");

        let section = Section { properties: map(before.clone()), version: 4, metadata: Map::new() };
        let merged = merge(Part::Reported, section, &map(change.clone()), at(0));
        assert_eq!((merged.properties, merged.version), (map(after), 5), "section {before} + {change}");
    }
}

#[test]
fn metadata_mirrors_the_properties() {
    let first = initial(Part::Desired, &map(json!({ "a": { "b": 1, "c": [1, { "d": 2 }] } })), at(0));
    assert_eq!(first.version, 1);
    let second = merge(Part::Desired, first, &map(json!({ "a": { "b": 2 }, "e": true })), at(60));
    let (t0, t1) = ("1970-01-01T00:00:00.0000000Z", "1970-01-01T00:01:00.0000000Z");
    assert_eq!(
        Value::Object(second.metadata),
        json!({
            "$lastUpdated": t1, "$lastUpdatedVersion": 2,
            "a": {
                "$lastUpdated": t1, "$lastUpdatedVersion": 2,
                "b": { "$lastUpdated": t1, "$lastUpdatedVersion": 2 },
                "c": { "$lastUpdated": t0, "$lastUpdatedVersion": 1 },
            },
            "e": { "$lastUpdated": t1, "$lastUpdatedVersion": 2 },
        })
    );
}

#[test]
fn reported_metadata_has_no_versions() {
    let section = initial(Part::Reported, &map(json!({ "a": 1 })), at(0));
    let t0 = "1970-01-01T00:00:00.0000000Z";
    assert_eq!(Value::Object(section.metadata), json!({ "$lastUpdated": t0, "a": { "$lastUpdated": t0 } }));
}

#[test]
fn metadata_goes_with_what_it_describes() {
    let section = initial(Part::Reported, &map(json!({ "a": { "b": 1 }, "c": 1, "d": 1 })), at(0));
    let merged = merge(Part::Reported, section, &map(json!({ "a": 5, "c": { "x": 1 }, "d": null })), at(1));
    let t1 = "1970-01-01T00:00:01.0000000Z";
    assert_eq!(merged.metadata["a"], json!({ "$lastUpdated": t1 }));
    assert_eq!(merged.metadata["c"], json!({ "$lastUpdated": t1, "x": { "$lastUpdated": t1 } }));
    assert_eq!(merged.metadata.get("d"), None);
}

#[test]
fn replacing_keeps_nothing_but_counts_on() {
    let replaced = replace(Part::Desired, 7, &map(json!({ "n": 1, "gone": null })), at(0));
    assert_eq!((replaced.properties, replaced.version), (map(json!({ "n": 1 })), 8));
}

/// JSON with few keys, so that patches meet what is there.
fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9..9).prop_map(Value::from),
        "[a-z]{0,3}".prop_map(Value::from),
        prop::collection::vec(0..3, 0..3).prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 24, 4, |inner| {
        prop::collection::btree_map("[a-d]", inner, 0..4)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
    });
    prop::collection::btree_map("[a-d]", value, 0..4).prop_map(|map| map.into_iter().collect())
}

/// RFC 7386 §2, word for word.
fn merge_patch(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut target = match target {
        Value::Object(target) => target,
        _ => Map::new(),
    };
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.remove(name);
            }
            value => {
                let before = target.remove(name).unwrap_or(Value::Null);
                target.insert(name.clone(), merge_patch(before, value));
            }
        }
    }
    Value::Object(target)
}

/// An entry for every property and none besides.
fn mirrors(properties: &Map<String, Value>, metadata: &Map<String, Value>) -> bool {
    let described = metadata.keys().filter(|key| !key.starts_with('$')).count();
    metadata.contains_key("$lastUpdated")
        && described == properties.len()
        && properties.iter().all(|(key, value)| match (value, metadata.get(key)) {
            (Value::Object(properties), Some(Value::Object(metadata))) => mirrors(properties, metadata),
            (_, Some(Value::Object(leaf))) => {
                leaf.contains_key("$lastUpdated") && !leaf.keys().any(|key| !key.starts_with('$'))
            }
            (_, _) => false,
        })
}

proptest! {
    #[test]
    fn merging_is_rfc_7386_and_metadata_always_mirrors(first in any_object(), second in any_object(), third in any_object()) {
        let mut section = initial(Part::Desired, &first, at(0));
        let mut expected = merge_patch(json!({}), &Value::Object(first));
        for (n, patch) in [second, third].into_iter().enumerate() {
            section = merge(Part::Desired, section, &patch, at(n as i64));
            expected = merge_patch(expected, &Value::Object(patch));
            prop_assert_eq!(&Value::Object(section.properties.clone()), &expected);
            prop_assert!(mirrors(&section.properties, &section.metadata), "{:?}", section);
            prop_assert_eq!(section.version, n as u64 + 2);
        }
    }
}

#[test]
fn what_a_twin_says_already_is_not_said_again() {
    let twin = json!({ "a": { "b": 1, "c": [2] }, "d": "x", "$version": 3 });
    for (desired, is_said) in [
        (json!({}), true),
        (json!({ "a": { "b": 1 } }), true),
        (json!({ "a": { "c": [2] }, "d": "x", "e": null }), true),
        (json!({ "a": { "b": 2 } }), false),
        (json!({ "a": { "b": null } }), false),
        (json!({ "a": 1 }), false),
        (json!({ "d": { "b": 1 } }), false),
        (json!({ "e": {} }), false),
    ] {
        assert_eq!(says(&map(twin.clone()), &map(desired.clone())), is_said, "{desired}");
    }
}
