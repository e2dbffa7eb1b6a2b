//! Distinguished names for people, as RFC 4514 writes them.

use std::fmt::Write;

use x509_parser::{
    asn1_rs::{Any, Tag, ToDer},
    x509::{AttributeTypeAndValue, X509Name},
};

/// RFC 4514 section 3, and what its readers everywhere know besides.
const SHORT_NAMES: [(&str, &str); 14] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "SERIALNUMBER"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "T"),
    ("2.5.4.42", "GN"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("1.2.840.113549.1.9.1", "E"),
];

const COMMON_NAME: &str = "2.5.4.3";

/// The last RDN first, as RFC 4514 section 2.1 asks.
pub(crate) fn to_rfc4514(name: &X509Name<'_>) -> String {
    let rdns: Vec<_> = name.iter_rdn().collect();
    let mut text = String::new();
    for (index, rdn) in rdns.iter().rev().enumerate() {
        for (position, attribute) in rdn.iter().enumerate() {
            match (index, position) {
                (0, 0) => {}
                (_, 0) => text.push(','),
                (_, _) => text.push('+'),
            }
            push_attribute(&mut text, attribute);
        }
    }
    text
}

/// Two common names name nobody: which one counts is where readers differ, and where impostors begin.
pub(crate) fn only_common_name(name: &X509Name<'_>) -> Option<String> {
    let mut values =
        name.iter_attributes().filter(|attribute| attribute.attr_type().to_id_string() == COMMON_NAME);
    let only = values.next()?;
    if values.next().is_some() {
        return None;
    }
    text_of(only.attr_value())
}

fn push_attribute(text: &mut String, attribute: &AttributeTypeAndValue<'_>) {
    let oid = attribute.attr_type().to_id_string();
    let short = SHORT_NAMES.iter().find(|(known, _)| *known == oid).map(|(_, short)| *short);
    text.push_str(short.unwrap_or(&oid));
    text.push('=');
    // A type without a name, or a value that is no text, is written as the hexadecimal of its BER (section 2.4).
    match text_of(attribute.attr_value()) {
        Some(value) if short.is_some() => push_rfc4514(text, &value),
        Some(_) | None => {
            text.push('#');
            text.push_str(&hex::encode(attribute.attr_value().to_der_vec().unwrap_or_default()));
        }
    }
}

/// Appends the value of an attribute, RFC 4514 section 2.4: what would end or change it is escaped; control characters as
/// hexadecimal.
pub fn push_rfc4514(text: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (position, character) in value.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', character]),
            '#' if position == 0 => text.push_str("\\#"),
            ' ' if position == 0 || position == last => text.push_str("\\ "),
            control if control.is_ascii_control() => {
                // Writing to a `String` cannot fail.
                let _ = write!(text, "\\{:02x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
}

fn text_of(value: &Any<'_>) -> Option<String> {
    text_of_string(value.tag(), value.data)
}

/// The text of every string type of X.520, read as leniently as it can be told apart.
pub(crate) fn text_of_string(tag: Tag, bytes: &[u8]) -> Option<String> {
    match tag {
        Tag::BmpString => {
            let (pairs, []) = bytes.as_chunks() else { return None };
            String::from_utf16(&pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect::<Vec<_>>()).ok()
        }
        // Teletex is read as Latin-1, which is what those who still write it mean.
        Tag::TeletexString => Some(bytes.iter().copied().map(char::from).collect()),
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::Ia5String
        | Tag::NumericString
        | Tag::VisibleString
        | Tag::GeneralString => String::from_utf8(bytes.to_vec()).ok(),
        _ => None,
    }
}
