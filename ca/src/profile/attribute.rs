//! The subject: one attribute a line, `CN={common_name}`. Pure.

use x509_cert::{
    attr::AttributeTypeAndValue,
    der::{
        Any, Encode, Tag, Tagged,
        asn1::{Ia5StringRef, ObjectIdentifier, PrintableStringRef, SetOfVec, Utf8StringRef},
        oid::db::{rfc3280, rfc4519 as oid},
    },
    name::{Name, RdnSequence, RelativeDistinguishedName},
};

use muster_x509::push_rfc4514;

use super::{
    Refused,
    template::{Missing, Template},
};
use crate::{hierarchy::BuildError, issuance::SubjectFacts};

pub(super) use oid::{COMMON_NAME, ORGANIZATION_NAME, ORGANIZATIONAL_UNIT_NAME, SERIAL_NUMBER};

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

const fn attribute(
    name: &'static str,
    oid: ObjectIdentifier,
    chars_max: usize,
    spelling: Spelling,
) -> Attribute {
    Attribute { name, oid, chars_max, spelling }
}

const ATTRIBUTES: [Attribute; 16] = [
    attribute("CN", COMMON_NAME, 64, Spelling::Utf8),
    attribute("serialNumber", SERIAL_NUMBER, 64, Spelling::Printable),
    attribute("C", oid::C, 2, Spelling::Country),
    attribute("L", oid::L, 128, Spelling::Utf8),
    attribute("ST", oid::ST, 128, Spelling::Utf8),
    attribute("street", oid::STREET, 128, Spelling::Utf8),
    attribute("O", ORGANIZATION_NAME, 64, Spelling::Utf8),
    attribute("OU", ORGANIZATIONAL_UNIT_NAME, 64, Spelling::Utf8),
    attribute("title", oid::TITLE, 64, Spelling::Utf8),
    attribute("postalCode", oid::POSTAL_CODE, 40, Spelling::Utf8),
    attribute("name", oid::NAME, 64, Spelling::Utf8),
    attribute("GN", oid::GN, 64, Spelling::Utf8),
    attribute("dnQualifier", oid::DN_QUALIFIER, 64, Spelling::Printable),
    attribute("pseudonym", rfc3280::PSEUDONYM, 64, Spelling::Utf8),
    attribute("UID", oid::UID, 256, Spelling::Utf8),
    attribute("DC", oid::DC, 63, Spelling::Ia5),
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

    /// Whether it puts that into the certificate.
    pub(super) fn gives(&self, asked: &AttributeTypeAndValue, facts: &SubjectFacts) -> bool {
        let value = asked.value.value();
        self.oid == asked.oid
            && self.template.fill(facts).is_ok_and(|lines| lines.iter().any(|line| line.as_bytes() == value))
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
pub(super) fn text_of(name: &Name, oid: ObjectIdentifier) -> Option<String> {
    let mut values = name.iter().filter(|attribute| attribute.oid == oid);
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

/// As RFC 4514 writes it. The library looks for the name of an attribute among all object identifiers that it knows, which
/// takes longer than all other work on a name: those of the table are spelled here.
pub(crate) fn spelled(subject: &Name) -> String {
    let mut text = String::new();
    let relatives: Vec<_> = subject.as_ref().iter().collect();
    for relative in relatives.into_iter().rev() {
        for (position, attribute) in relative.iter().enumerate() {
            match (text.is_empty(), position) {
                (true, _) => {}
                (false, 0) => text.push(','),
                (false, _) => text.push('+'),
            }
            match (ATTRIBUTES.iter().find(|known| known.oid == attribute.oid), plain_text(&attribute.value)) {
                (Some(known), Some(value)) => {
                    text.extend(known.name.chars().map(|char| char.to_ascii_uppercase()));
                    text.push('=');
                    push_rfc4514(&mut text, value);
                }
                (None, _) | (_, None) => text.push_str(&attribute.to_string()),
            }
        }
    }
    text
}

fn plain_text(value: &Any) -> Option<&str> {
    match value.tag() {
        Tag::Utf8String => std::str::from_utf8(value.value()).ok(),
        Tag::PrintableString => PrintableStringRef::try_from(value).ok().map(|text| text.as_str()),
        Tag::Ia5String => Ia5StringRef::try_from(value).ok().map(|text| text.as_str()),
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use x509_cert::der::Decode;

    use super::*;

    #[test]
    fn names_are_spelled_as_the_library_spells_them() {
        let others = ["2.5.4.4", "1.2.840.113549.1.9.1", "1.3.6.1.4.1.32473.9"];
        let kinds: Vec<_> = ATTRIBUTES
            .iter()
            .map(|known| known.oid)
            .chain(others.map(ObjectIdentifier::new_unwrap))
            .collect();
        let tags = [
            Tag::Utf8String,
            Tag::PrintableString,
            Tag::Ia5String,
            Tag::TeletexString,
            Tag::BmpString,
            Tag::Integer,
        ];
        let values =
            ["", " ", "  ", "a b", "#1", " ,\"+;<>\\= ", "\0\x1f\x7f", "\u{fc}\u{10ffff}", "a*b", "\u{85}"];
        for tag in tags {
            for value in values {
                let attribute = |oid: &_| AttributeTypeAndValue {
                    oid: *oid,
                    value: Any::new(tag, value.as_bytes()).unwrap(),
                };
                let relative = |oids: &[_]| {
                    let set = SetOfVec::try_from(oids.iter().map(attribute).collect::<Vec<_>>()).unwrap();
                    RelativeDistinguishedName::from(set)
                };
                let sequence: Vec<_> = kinds.chunks(1).chain(kinds.chunks(2)).map(relative).collect();
                let sequence = RdnSequence::from(sequence);
                let name = Name::from_der(&sequence.to_der().unwrap()).unwrap();
                assert_eq!(spelled(&name), name.to_string());
            }
        }
        assert_eq!(spelled(&Name::default()), "");
    }
}
