//! The property bag of a topic, `k=v&k=v` percent-encoded (hub-device.md §2.2). Kept as sent, read where it is asked for.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Keys of system properties start with this; clients send it raw or as `%24.`.
const SYSTEM: &str = "$.";
const SYSTEM_ENCODED: &str = "%24.";

/// One property, still encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Property<'a> {
    pub key: &'a str,
    /// `k` alone has none, `k=` an empty one.
    pub value: Option<&'a str>,
}

/// Nothing in a bag is an error: a `%` without two digits stands for itself, as do `:` and `/` (§2.2, I-2).
pub(crate) fn properties(bag: &str) -> impl Iterator<Item = Property<'_>> {
    bag.split('&').filter(|pair| !pair.is_empty()).map(|pair| match pair.split_once('=') {
        Some((key, value)) => Property { key, value: Some(value) },
        None => Property { key: pair, value: None },
    })
}

/// A `+` is a plus: this is not form encoding.
pub(crate) fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// Size as it is limited: body, values of system properties, names and values of the others (§1.8).
pub(crate) fn message_bytes(bag: &[u8], body_bytes: usize, max: usize) -> usize {
    let upper = bag.len() + body_bytes;
    if upper <= max {
        return upper; // decoding only makes it smaller; nearly every message ends here
    }
    let text = String::from_utf8_lossy(bag);
    let counted = properties(&text).map(|property| {
        let value = property.value.map_or(0, decoded_bytes);
        match is_system(property.key) {
            true => value,
            false => decoded_bytes(property.key) + value,
        }
    });
    body_bytes + counted.sum::<usize>()
}

pub(crate) fn is_system(key: &str) -> bool {
    key.starts_with(SYSTEM) || key.starts_with(SYSTEM_ENCODED)
}

fn decoded_bytes(text: &str) -> usize {
    percent_decode_str(text).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_alone_is_not_a_key_with_an_empty_value() {
        let read: Vec<_> = properties("a=1&b&c=&&d=x=y").collect();
        assert_eq!(
            read,
            [
                Property { key: "a", value: Some("1") },
                Property { key: "b", value: None },
                Property { key: "c", value: Some("") },
                Property { key: "d", value: Some("x=y") },
            ]
        );
    }

    #[test]
    fn decoding_is_percent_decoding_only() {
        let cases = [
            ("a+b", "a+b"),
            ("lab%20%26%20test", "lab & test"),
            ("w%C3%A9rt%3D1", "wért=1"),
            ("100%", "100%"),
            ("%2f%zz", "/%zz"),
        ];
        for (sent, meant) in cases {
            assert_eq!(decoded(sent), meant, "{sent}");
        }
    }

    #[test]
    fn names_of_system_properties_are_free() {
        // measured only when the text as sent is over the limit, here 10
        assert_eq!(message_bytes(b"%24.mid=12345&k=%20%20", 3, 10), 3 + 5 + 3);
        assert_eq!(message_bytes(b"$.mid=12345&k=12345678", 3, 10), 3 + 5 + 9);
        assert_eq!(message_bytes(b"k=v", 3, 10), 6);
    }
}
