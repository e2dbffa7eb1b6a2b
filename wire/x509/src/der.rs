//! DER taken apart element by element, and whole encodings judged: BER, trailing bytes and deep nesting are refused.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// A certification request is 9 deep; twice that is somebody's attack on a recursive reader.
pub(crate) const DEPTH_MAX: usize = 16;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
const UTF8_STRING: u8 = 0x0c;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

const CLASS: u8 = 0xc0;
const CONSTRUCTED: u8 = 0x20;
const NUMBER: u8 = 0x1f;

/// `[number]`, constructed: an explicit tag, or an implicit one of something constructed.
pub(crate) const fn context(number: u8) -> u8 {
    0x80 | CONSTRUCTED | number
}

/// `[number]`, primitive: an implicit tag of something primitive.
pub(crate) const fn context_primitive(number: u8) -> u8 {
    0x80 | number
}

/// Why bytes are not DER, in the words of X.690.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotDer {
    #[error("it is cut short")]
    Cut,
    #[error("a tag is written in the long form")]
    LongTag,
    #[error("a length is indefinite, which is BER")]
    IndefiniteLength,
    #[error("a length is not written in the shortest form, which is BER")]
    LongLength,
    #[error("bytes follow where it should end")]
    Trailing,
    #[error("it is nested more than {DEPTH_MAX} deep")]
    TooDeep,
    #[error("an element is constructed that must be primitive, or the reverse, which is BER")]
    Form,
    #[error("a boolean is neither 00 nor ff, which is BER")]
    Boolean,
    #[error("an integer is not written in the shortest form, which is BER")]
    Integer,
    #[error("a bit string has unused bits that are not zero, or too many of them")]
    BitString,
    #[error("an object identifier is malformed")]
    ObjectIdentifier,
    #[error("a null has contents")]
    Null,
    #[error("a UTF-8 string is not UTF-8")]
    Utf8,
    #[error("a set is not in order, which is BER")]
    SetOrder,
    #[error("a date is not written as RFC 5280 section 4.1.2.5 says")]
    Time,
    #[error("an element is not of the kind that belongs there")]
    Unexpected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) contents: &'a [u8],
    /// With its tag and length.
    pub(crate) whole: &'a [u8],
}

/// A cursor over elements that stand one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

/// The one element that `bytes` is, which has this tag; its contents are not judged.
pub(crate) fn only(bytes: &[u8], tag: u8) -> Result<Element<'_>, NotDer> {
    let mut reader = Reader::new(bytes);
    let element = reader.expect(tag)?;
    reader.end()?;
    Ok(element)
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn end(&self) -> Result<(), NotDer> {
        if self.0.is_empty() { Ok(()) } else { Err(NotDer::Trailing) }
    }

    pub(crate) fn next(&mut self) -> Result<Element<'a>, NotDer> {
        let (&tag, after_tag) = self.0.split_first().ok_or(NotDer::Cut)?;
        if tag & NUMBER == NUMBER {
            return Err(NotDer::LongTag);
        }
        let (&first, mut rest) = after_tag.split_first().ok_or(NotDer::Cut)?;
        let mut length = usize::from(first);
        if first >= 0x80 {
            let octets = usize::from(first & 0x7f);
            match octets {
                0 => return Err(NotDer::IndefiniteLength),
                // Nothing that is read here is 4 GiB long.
                1..=4 => {}
                _ => return Err(NotDer::Cut),
            }
            let (written, after) = rest.split_at_checked(octets).ok_or(NotDer::Cut)?;
            length = written.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
            if length < 0x80 || written.first() == Some(&0) {
                return Err(NotDer::LongLength);
            }
            rest = after;
        }
        let (contents, rest) = rest.split_at_checked(length).ok_or(NotDer::Cut)?;
        let whole = self.0.get(..self.0.len() - rest.len()).ok_or(NotDer::Cut)?;
        self.0 = rest;
        Ok(Element { tag, contents, whole })
    }

    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'a>, NotDer> {
        let element = self.next()?;
        if element.tag == tag { Ok(element) } else { Err(NotDer::Unexpected) }
    }

    /// The next element if it has this tag; otherwise the cursor stays.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, NotDer> {
        if self.0.first() == Some(&tag) { self.next().map(Some) } else { Ok(None) }
    }
}

impl<'a> Element<'a> {
    pub(crate) fn inside(&self) -> Reader<'a> {
        Reader::new(self.contents)
    }

    /// Keys and signatures are whole octets: the leading count of unused bits is 0.
    pub(crate) fn octets(&self) -> Result<&'a [u8], NotDer> {
        self.contents.strip_prefix(&[0]).ok_or(NotDer::BitString)
    }

    /// DER writes a DEFAULT FALSE only when it is true; `false` spelled out is tolerated, for much software writes it.
    pub(crate) fn boolean(&self) -> Result<bool, NotDer> {
        match self.contents {
            [0] => Ok(false),
            [0xff] => Ok(true),
            _ => Err(NotDer::Boolean),
        }
    }

    /// Contents of an INTEGER that is not negative, without the octet that only says so.
    pub(crate) fn unsigned(&self) -> Result<&'a [u8], NotDer> {
        match self.contents {
            [] => Err(NotDer::Integer),
            [0] => Ok(self.contents),
            [0, second, ..] if *second < 0x80 => Err(NotDer::Integer),
            [0, rest @ ..] => Ok(rest),
            [first, ..] if *first >= 0x80 => Err(NotDer::Integer),
            _ => Ok(self.contents),
        }
    }

    pub(crate) fn small(&self) -> Result<u32, NotDer> {
        let octets = self.unsigned()?;
        if octets.len() > 4 {
            return Err(NotDer::Integer);
        }
        Ok(octets.iter().fold(0, |number, octet| number << 8 | u32::from(*octet)))
    }
}

/// A date of RFC 5280 section 4.1.2.5: UTCTime to 2049, GeneralizedTime from 2050, whole seconds, Z.
pub(crate) fn time(element: &Element<'_>) -> Result<Timestamp, NotDer> {
    let digits = element.contents.strip_suffix(b"Z").ok_or(NotDer::Time)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(NotDer::Time);
    }
    let number = |digits: &[u8]| digits.iter().fold(0, |number, digit| number * 10 + i16::from(digit - b'0'));
    let (year, rest) = match (element.tag, digits.len()) {
        (UTC_TIME, 12) => {
            let (year, rest) = digits.split_at(2);
            (number(year) + if number(year) < 50 { 2000 } else { 1900 }, rest)
        }
        (GENERALIZED_TIME, 14) => {
            let (year, rest) = digits.split_at(4);
            (number(year), rest)
        }
        _ => return Err(NotDer::Time),
    };
    let mut parts = rest.chunks_exact(2).map(|digits| i8::try_from(number(digits)).unwrap_or(i8::MAX));
    let mut part = || parts.next().ok_or(NotDer::Time);
    let date =
        DateTime::new(year, part()?, part()?, part()?, part()?, part()?, 0).map_err(|_| NotDer::Time)?;
    // 9999-12-31T23:59:59Z lies beyond what a `Timestamp` can say, as in certificates.
    Ok(TimeZone::UTC.to_timestamp(date).unwrap_or(Timestamp::MAX))
}

/// Whether `bytes` are exactly one DER element, all the way down.
pub(crate) fn check(bytes: &[u8]) -> Result<(), NotDer> {
    let mut reader = Reader::new(bytes);
    check_element(&reader.next()?, 1)?;
    reader.end()
}

fn check_element(element: &Element<'_>, depth: usize) -> Result<(), NotDer> {
    if depth > DEPTH_MAX {
        return Err(NotDer::TooDeep);
    }
    let constructed = element.tag & CONSTRUCTED != 0;
    if element.tag & CLASS == 0 {
        let must_be = matches!(element.tag & !CONSTRUCTED, 0x08 | 0x0b | 0x10 | 0x11);
        if constructed != must_be {
            return Err(NotDer::Form);
        }
        if !constructed {
            return check_primitive(element);
        }
    }
    if !constructed {
        return Ok(());
    }
    let mut reader = element.inside();
    let mut before: &[u8] = &[];
    while !reader.is_empty() {
        let child = reader.next()?;
        check_element(&child, depth + 1)?;
        // X.690 section 11.6; octet strings of unequal length compare as if padded with zeros, and no element is another's
        // beginning, so this is the order of slices.
        if element.tag == SET && child.whole < before {
            return Err(NotDer::SetOrder);
        }
        before = child.whole;
    }
    Ok(())
}

fn check_primitive(element: &Element<'_>) -> Result<(), NotDer> {
    let sound = |sound: bool, flaw| if sound { Ok(()) } else { Err(flaw) };
    let contents = element.contents;
    match element.tag {
        BOOLEAN => element.boolean().map(|_| ()),
        INTEGER | ENUMERATED => match contents {
            [] => Err(NotDer::Integer),
            [0, second, ..] => sound(*second >= 0x80, NotDer::Integer),
            [0xff, second, ..] => sound(*second < 0x80, NotDer::Integer),
            _ => Ok(()),
        },
        BIT_STRING => match contents {
            [] => Err(NotDer::BitString),
            [unused] => sound(*unused == 0, NotDer::BitString),
            [unused, .., last] => {
                sound(*unused < 8 && last & ((1u8 << (unused & 7)) - 1) == 0, NotDer::BitString)
            }
        },
        NULL => sound(contents.is_empty(), NotDer::Null),
        OID => check_oid(contents),
        UTF8_STRING => std::str::from_utf8(contents).map(|_| ()).map_err(|_| NotDer::Utf8),
        _ => Ok(()),
    }
}

/// Every number of an OID ends with an octet below 0x80 and begins with one that is not 0x80.
fn check_oid(contents: &[u8]) -> Result<(), NotDer> {
    let mut begins = true;
    for octet in contents {
        if begins && *octet == 0x80 {
            return Err(NotDer::ObjectIdentifier);
        }
        begins = *octet < 0x80;
    }
    if begins && !contents.is_empty() { Ok(()) } else { Err(NotDer::ObjectIdentifier) }
}

/// `1.2.840.113549`, from the contents of an OBJECT IDENTIFIER. Numbers up to 128 bits, for UUIDs are used as such.
pub(crate) fn dotted(oid: &[u8]) -> Result<String, NotDer> {
    check_oid(oid)?;
    let (mut text, mut number) = (String::new(), 0u128);
    for octet in oid {
        number = number.checked_mul(128).ok_or(NotDer::ObjectIdentifier)? | u128::from(octet & 0x7f);
        if *octet >= 0x80 {
            continue;
        }
        if text.is_empty() {
            // X.690 section 8.19.4: the first two numbers share one.
            let first = (number / 40).min(2);
            text = format!("{first}.{}", number - first * 40);
        } else {
            text.push('.');
            text.push_str(&number.to_string());
        }
        number = 0;
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
