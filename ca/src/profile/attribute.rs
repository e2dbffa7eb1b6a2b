//! The subject: one attribute a line, `CN={common_name}`. Pure.

use x509_cert::{
    attr::AttributeTypeAndValue,
    der::{
        Any, Encode, Tag, Tagged,
        asn1::{Ia5StringRef, ObjectIdentifier, PrintableStringRef, SetOfVec, Utf8StringRef},
    },
    name::{Name, RdnSequence, RelativeDistinguishedName},
};

use super::{
    Refused,
    template::{Missing, Template},
};
use crate::{hierarchy::BuildError, issuance::SubjectFacts};

pub(super) const COMMON_NAME: &str = "2.5.4.3";
pub(super) const SERIAL_NUMBER: &str = "2.5.4.5";

/// A kind of attribute: its upper bound (RFC 5280 appendix A.1) and its type of string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Attribute {
    name: &'static str,
    oid: ObjectIdentifier,
    chars_max: usize,
    spelling: Spelling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Utf8,
    Printable,
    /// Two capital letters (ISO 3166).
    Country,
    Ia5,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttributeTemplate {
    oid: ObjectIdentifier,
    chars_max: usize,
    spelling: Spelling,
    template: Template,
}

const fn attribute(name: &'static str, oid: &'static str, chars_max: usize, spelling: Spelling) -> Attribute {
    Attribute { name, oid: ObjectIdentifier::new_unwrap(oid), chars_max, spelling }
}

const ATTRIBUTES: [Attribute; 16] = [
    attribute("CN", COMMON_NAME, 64, Spelling::Utf8),
    attribute("serialNumber", SERIAL_NUMBER, 64, Spelling::Printable),
    attribute("C", "2.5.4.6", 2, Spelling::Country),
    attribute("L", "2.5.4.7", 128, Spelling::Utf8),
    attribute("ST", "2.5.4.8", 128, Spelling::Utf8),
    attribute("street", "2.5.4.9", 128, Spelling::Utf8),
    attribute("O", "2.5.4.10", 64, Spelling::Utf8),
    attribute("OU", "2.5.4.11", 64, Spelling::Utf8),
    attribute("title", "2.5.4.12", 64, Spelling::Utf8),
    attribute("postalCode", "2.5.4.17", 40, Spelling::Utf8),
    attribute("name", "2.5.4.41", 64, Spelling::Utf8),
    attribute("GN", "2.5.4.42", 64, Spelling::Utf8),
    attribute("dnQualifier", "2.5.4.46", 64, Spelling::Printable),
    attribute("pseudonym", "2.5.4.65", 64, Spelling::Utf8),
    attribute("UID", "0.9.2342.19200300.100.1.1", 256, Spelling::Utf8),
    attribute("DC", "0.9.2342.19200300.100.1.25", 63, Spelling::Ia5),
];

/// For attributes of others, Matter's for one: UTF8String.
const UNKNOWN_CHARS_MAX: usize = 256;

impl AttributeTemplate {
    /// What it is when the request itself must say it.
    pub(super) fn asks(&self) -> Option<ObjectIdentifier> {
        let asks = |fact| self.template.is_fact(fact) == Some(true);
        ["common_name", "serial_number"].into_iter().any(asks).then_some(self.oid)
    }

    /// `<name or object identifier>=<template>`.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (name, template) = line.split_once('=')?;
        let template = Template::parse(template)?;
        if let Some(known) = ATTRIBUTES.iter().find(|known| known.name == name) {
            let Attribute { oid, chars_max, spelling, .. } = *known;
            return Some(Self { oid, chars_max, spelling, template });
        }
        let oid = ObjectIdentifier::new(name).ok()?;
        let known = ATTRIBUTES.iter().find(|known| known.oid == oid);
        let (chars_max, spelling) =
            known.map_or((UNKNOWN_CHARS_MAX, Spelling::Utf8), |known| (known.chars_max, known.spelling));
        Some(Self { oid, chars_max, spelling, template })
    }

    pub(super) fn names(&self, fact: &str) -> bool {
        self.template.names(fact)
    }

    pub(super) fn lists(&self) -> usize {
        self.template.lists()
    }

    fn encode(&self, value: &str) -> Result<Any, Refused> {
        let refused = |why| Refused::Attribute { attribute: self.title(), value: shown(value), why };
        let chars = value.chars().count();
        if value.trim() != value || value.is_empty() {
            return Err(refused("is empty, or has blanks around it"));
        }
        if value.chars().any(is_unseen) {
            return Err(refused("has characters that are not seen"));
        }
        if chars > self.chars_max {
            return Err(refused("is too long"));
        }
        let encoded = match self.spelling {
            Spelling::Utf8 => {
                Any::encode_from(&Utf8StringRef::new(value).map_err(|_| refused("is no text"))?)
            }
            Spelling::Printable => {
                let text = PrintableStringRef::new(value);
                Any::encode_from(
                    &text.map_err(|_| refused("has more than letters, digits and `'()+,-./:=? `"))?,
                )
            }
            Spelling::Country => {
                let capitals = chars == self.chars_max && value.bytes().all(|byte| byte.is_ascii_uppercase());
                let text = PrintableStringRef::new(value).ok().filter(|_| capitals);
                Any::encode_from(&text.ok_or_else(|| refused("is not two capital letters"))?)
            }
            Spelling::Ia5 => {
                Any::encode_from(&Ia5StringRef::new(value).map_err(|_| refused("is not ASCII"))?)
            }
        };
        encoded.map_err(|_| refused("cannot be encoded"))
    }

    fn title(&self) -> String {
        let known = ATTRIBUTES.iter().find(|known| known.oid == self.oid);
        known.map_or_else(|| self.oid.to_string(), |known| known.name.to_owned())
    }
}

/// They make two names look the same, or one look like another.
fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The subject, one attribute a relative name, in the order of the profile.
pub(super) fn subject(templates: &[AttributeTemplate], facts: &SubjectFacts) -> Result<Vec<u8>, Refused> {
    let mut sequence = Vec::new();
    for line in templates {
        let values = line.template.fill(facts).map_err(|Missing(fact)| Refused::Missing { fact })?;
        for value in values {
            let attribute = AttributeTypeAndValue { oid: line.oid, value: line.encode(&value)? };
            let set = SetOfVec::try_from(vec![attribute]).map_err(BuildError::from)?;
            sequence.push(RelativeDistinguishedName::from(set));
        }
    }
    Ok(RdnSequence::from(sequence).to_der().map_err(BuildError::from)?)
}

/// The only value of that attribute, in a type of string that has one spelling only.
pub(super) fn text_of(name: &Name, oid: &str) -> Option<String> {
    let mut values = name.iter().filter(|attribute| attribute.oid.to_string() == oid);
    let (Some(attribute), None) = (values.next(), values.next()) else { return None };
    let value = &attribute.value;
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            String::from_utf8(value.value().to_vec()).ok()
        }
        _ => None,
    }
}

/// None when there are two, because then it names nobody.
pub(crate) fn common_name(subject: &Name) -> Option<String> {
    text_of(subject, COMMON_NAME)
}

pub(crate) fn serial_number(subject: &Name) -> Option<String> {
    text_of(subject, SERIAL_NUMBER)
}

/// Of a value that is refused, as much as a message takes.
pub(super) fn shown(value: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 80;
    value
        .chars()
        .take(SHOWN_CHARS_MAX)
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}
