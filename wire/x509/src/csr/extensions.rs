//! The extensions that a request asks for: the usual ones read, all of them kept as they are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{CsrRefused, NAMES_MAX};
use crate::der::{self, Element, NotDer};

const KEY_USAGE: &str = "2.5.29.15";
const SUBJECT_ALT_NAME: &str = "2.5.29.17";
const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const EXTENDED_KEY_USAGE: &str = "2.5.29.37";

/// What the sender would like; nothing of it is granted yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requested {
    pub alt_names: Vec<AltName>,
    pub basic_constraints: Option<BasicConstraints>,
    pub key_usage: Option<KeyUses>,
    /// Object identifiers; empty when the extension is not asked for, for it may not be empty.
    pub extended_key_usage: Vec<String>,
    /// All of them, those above included, in the order they stand.
    pub extensions: Vec<Extension>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    pub oid: String,
    pub critical: bool,
    /// Contents of its OCTET STRING.
    pub value_der: Vec<u8>,
}

/// RFC 5280 section 4.2.1.6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AltName {
    Dns(String),
    Email(String),
    Uri(String),
    Ip(IpAddr),
    /// A distinguished name.
    Directory {
        name_der: Vec<u8>,
    },
    RegisteredId(String),
    /// otherName, x400Address or ediPartyName, with its tag.
    Other {
        name_der: Vec<u8>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BasicConstraints {
    EndEntity,
    Authority { path_length: Option<u32> },
}

/// RFC 5280 section 4.2.1.3; the numbers are those of its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    DigitalSignature = 0,
    NonRepudiation = 1,
    KeyEncipherment = 2,
    DataEncipherment = 3,
    KeyAgreement = 4,
    KeyCertSign = 5,
    CrlSign = 6,
    EncipherOnly = 7,
    DecipherOnly = 8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUses(u16);

impl KeyUses {
    pub fn contains(self, used: KeyUse) -> bool {
        self.0 & 1 << (used as u16) != 0
    }
}

impl Requested {
    pub fn extension(&self, oid: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }
}

pub(super) fn read(extensions: &Element<'_>) -> Result<Requested, CsrRefused> {
    let mut requested = Requested::default();
    if extensions.tag != der::SEQUENCE {
        return Err(NotDer::Unexpected.into());
    }
    let mut reader = extensions.inside();
    while !reader.is_empty() {
        let mut extension = reader.expect(der::SEQUENCE)?.inside();
        let oid = der::dotted(extension.expect(der::OID)?.contents)?;
        let critical = extension.optional(der::BOOLEAN)?.map_or(Ok(false), |critical| critical.boolean())?;
        let value = extension.expect(der::OCTET_STRING)?.contents;
        extension.end()?;
        if requested.extension(&oid).is_some() {
            return Err(CsrRefused::DuplicateExtension { oid });
        }
        requested.understand(&oid, value)?;
        requested.extensions.push(Extension { oid, critical, value_der: value.to_vec() });
        if requested.extensions.len() > NAMES_MAX {
            return Err(CsrRefused::TooManyExtensions);
        }
    }
    Ok(requested)
}

impl Requested {
    fn understand(&mut self, oid: &str, value: &[u8]) -> Result<(), CsrRefused> {
        let unreadable = |why| CsrRefused::Extension { oid: oid.to_owned(), why };
        // Only what is known is known to be DER.
        let known = [KEY_USAGE, SUBJECT_ALT_NAME, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE];
        if known.contains(&oid) {
            der::check(value).map_err(unreadable)?;
        }
        match oid {
            KEY_USAGE => self.key_usage = Some(key_usage(value).map_err(unreadable)?),
            SUBJECT_ALT_NAME => self.alt_names = alt_names(value, unreadable)?,
            BASIC_CONSTRAINTS => self.basic_constraints = Some(basic_constraints(value).map_err(unreadable)?),
            EXTENDED_KEY_USAGE => self.extended_key_usage = purposes(value).map_err(unreadable)?,
            _ => {}
        }
        Ok(())
    }
}

fn key_usage(value: &[u8]) -> Result<KeyUses, NotDer> {
    // Bit 0 is the highest of the first octet; the octet before them counts the unused bits, which are zero.
    let bits = match der::only(value, der::BIT_STRING)?.contents {
        [_, first] => u16::from(*first) << 8,
        [_, first, second] => u16::from(*first) << 8 | u16::from(*second),
        _ => return Err(NotDer::BitString),
    };
    Ok(KeyUses(bits.reverse_bits()))
}

fn basic_constraints(value: &[u8]) -> Result<BasicConstraints, NotDer> {
    let mut reader = der::only(value, der::SEQUENCE)?.inside();
    let authority = reader.optional(der::BOOLEAN)?.map_or(Ok(false), |authority| authority.boolean())?;
    let path_length = reader.optional(der::INTEGER)?.map(|length| length.small()).transpose()?;
    reader.end()?;
    Ok(if authority { BasicConstraints::Authority { path_length } } else { BasicConstraints::EndEntity })
}

fn purposes(value: &[u8]) -> Result<Vec<String>, NotDer> {
    let mut reader = der::only(value, der::SEQUENCE)?.inside();
    let mut purposes = vec![der::dotted(reader.expect(der::OID)?.contents)?];
    while !reader.is_empty() {
        purposes.push(der::dotted(reader.expect(der::OID)?.contents)?);
    }
    Ok(purposes)
}

fn alt_names(
    value: &[u8],
    unreadable: impl Fn(NotDer) -> CsrRefused + Copy,
) -> Result<Vec<AltName>, CsrRefused> {
    let mut reader = der::only(value, der::SEQUENCE).map_err(unreadable)?.inside();
    let mut names = Vec::new();
    loop {
        // One at least: an empty list is not a list of names.
        let name = reader.next().map_err(unreadable)?;
        names.push(alt_name(&name, unreadable)?);
        if names.len() > NAMES_MAX {
            return Err(CsrRefused::TooManyNames);
        }
        if reader.is_empty() {
            return Ok(names);
        }
    }
}

fn alt_name(name: &Element<'_>, unreadable: impl Fn(NotDer) -> CsrRefused) -> Result<AltName, CsrRefused> {
    const EMAIL: u8 = der::context_primitive(1);
    const DNS: u8 = der::context_primitive(2);
    const DIRECTORY: u8 = der::context(4);
    const URI: u8 = der::context_primitive(6);
    const IP: u8 = der::context_primitive(7);
    const REGISTERED_ID: u8 = der::context_primitive(8);
    const OTHER: [u8; 3] = [der::context(0), der::context(3), der::context(5)];
    match name.tag {
        EMAIL => Ok(AltName::Email(ascii(name.contents)?)),
        DNS => Ok(AltName::Dns(ascii(name.contents)?)),
        URI => Ok(AltName::Uri(ascii(name.contents)?)),
        DIRECTORY => Ok(AltName::Directory { name_der: name.contents.to_vec() }),
        IP => match (<[u8; 4]>::try_from(name.contents), <[u8; 16]>::try_from(name.contents)) {
            (Ok(v4), _) => Ok(AltName::Ip(Ipv4Addr::from(v4).into())),
            (_, Ok(v6)) => Ok(AltName::Ip(Ipv6Addr::from(v6).into())),
            (Err(_), Err(_)) => Err(CsrRefused::IpAddress { bytes: name.contents.len() }),
        },
        REGISTERED_ID => der::dotted(name.contents).map(AltName::RegisteredId).map_err(unreadable),
        tag if OTHER.contains(&tag) => Ok(AltName::Other { name_der: name.whole.to_vec() }),
        _ => Err(unreadable(NotDer::Unexpected)),
    }
}

/// An IA5String: a NUL in it ends the name for some readers and not for others.
fn ascii(contents: &[u8]) -> Result<String, CsrRefused> {
    if contents.iter().any(u8::is_ascii_control) {
        return Err(CsrRefused::ControlInAltName);
    }
    match String::from_utf8(contents.to_vec()) {
        Ok(text) if text.is_ascii() => Ok(text),
        Ok(_) | Err(_) => Err(CsrRefused::AltNameNotAscii),
    }
}
