//! DER written piece by piece, for what is made thousands of times a second or has thousands of entries. Pure.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// RFC 5280 section 4.1.2.5: from then on years have four digits.
const YEAR_OF_FOUR_DIGITS: i16 = 2050;

/// The end of a certificate that has none (RFC 5280 section 4.1.2.5), later than a `Timestamp` can say.
pub(crate) const NO_END: &[u8] = b"\x18\x0f99991231235959Z";

/// `[number]`, constructed.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// `[number]`, primitive.
pub(crate) const fn context_primitive(number: u8) -> u8 {
    0x80 | number
}

/// One element with these parts as its contents.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    const HEADER_BYTES: usize = 6;
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut der = Vec::with_capacity(length + HEADER_BYTES);
    push_header(&mut der, tag, length);
    for part in parts {
        der.extend_from_slice(part);
    }
    der
}

/// An INTEGER that is not negative, from its octets, big-endian.
pub(crate) fn integer(octets: &[u8]) -> Vec<u8> {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    let significant = octets.get(zeros..).unwrap_or_default();
    match significant.first() {
        Some(first) if *first < 0x80 => element(INTEGER, &[significant]),
        Some(_) | None => element(INTEGER, &[&[0], significant]),
    }
}

/// Time in certificates and CRLs (RFC 5280 section 4.1.2.5), in whole seconds.
pub(crate) fn time(at: Timestamp) -> Vec<u8> {
    let date = TimeZone::UTC.to_datetime(at);
    if date.year() >= YEAR_OF_FOUR_DIGITS {
        return generalized_time(at);
    }
    let digits = digits(date);
    let (_, digits) = digits.split_at(2);
    element(UTC_TIME, &[digits])
}

/// In whole seconds (RFC 5280 section 4.1.2.5.2, RFC 6960 section 4.2.2.1).
pub(crate) fn generalized_time(at: Timestamp) -> Vec<u8> {
    element(GENERALIZED_TIME, &[&digits(TimeZone::UTC.to_datetime(at))])
}

/// `YYYYMMDDHHMMSSZ`, without the machinery of formats: a CRL has one for each certificate.
fn digits(date: DateTime) -> [u8; 15] {
    let mut digits = [b'Z'; 15];
    let year = date.year().unsigned_abs();
    let small = [date.month(), date.day(), date.hour(), date.minute(), date.second()];
    let small = small.map(|part| u16::from(part.unsigned_abs()));
    let parts = [year / 100, year % 100].into_iter().chain(small);
    for (place, part) in digits.chunks_exact_mut(2).zip(parts) {
        for (digit, value) in place.iter_mut().zip([part / 10 % 10, part % 10]) {
            *digit = b'0' + u8::try_from(value).unwrap_or_default();
        }
    }
    digits
}

/// A BIT STRING of whole octets.
pub(crate) fn bit_string(octets: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], octets])
}

/// An extension; its value is DER itself.
pub(crate) fn extension(oid: &[u8], mark: Mark, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = match mark {
        Mark::Critical => &[BOOLEAN, 1, 0xff],
        Mark::Plain => &[],
    };
    let oid = element(OBJECT_IDENTIFIER, &[oid]);
    element(SEQUENCE, &[&oid, critical, &element(OCTET_STRING, &[value])])
}

/// What a reader does with an extension that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Refuses the whole.
    Critical,
    /// Passes over it.
    Plain,
}

/// X.690 section 8.1.3, the shortest form.
fn push_header(der: &mut Vec<u8>, tag: u8, length: usize) {
    const SHORT_MAX: usize = 0x7f;
    der.push(tag);
    if length <= SHORT_MAX {
        der.push(u8::try_from(length).unwrap_or(u8::MAX));
        return;
    }
    let bytes = length.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let significant = bytes.get(zeros..).unwrap_or_default();
    der.push(0x80 | u8::try_from(significant.len()).unwrap_or(u8::MAX));
    der.extend_from_slice(significant);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_in_the_shortest_form() {
        for (length, header) in [
            (0, &[0x30, 0][..]),
            (0x7f, &[0x30, 0x7f]),
            (0x80, &[0x30, 0x81, 0x80]),
            (0x100, &[0x30, 0x82, 1, 0]),
            (0x1_0000, &[0x30, 0x83, 1, 0, 0]),
        ] {
            let der = element(SEQUENCE, &[&vec![7; length]]);
            assert_eq!((&der[..header.len()], der.len()), (header, header.len() + length));
        }
    }

    #[test]
    fn integers_are_positive_and_as_short_as_can_be() {
        assert_eq!(integer(&[]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&300_u64.to_be_bytes()), [2, 2, 1, 0x2c]);
    }

    #[test]
    fn years_have_four_digits_from_2050() {
        let text = |at: &str| String::from_utf8(time(at.parse().unwrap())).unwrap();
        assert_eq!(text("2049-12-31T23:59:59.9Z"), "\u{17}\u{d}491231235959Z");
        assert_eq!(text("2050-01-01T00:00:00Z"), "\u{18}\u{f}20500101000000Z");
    }
}
