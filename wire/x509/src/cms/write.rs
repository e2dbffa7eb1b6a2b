//! A bag of certificates, written.

use super::{DATA, SIGNED_DATA, VERSION};
use crate::{Certificate, der};

/// DER of a certs-only SignedData with these certificates, which stand there in the order of a SET.
pub fn certs_only<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> Vec<u8> {
    let mut sorted: Vec<&[u8]> = certificates.into_iter().map(Certificate::der).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let version = element(der::INTEGER, &[VERSION as u8]);
    let nothing = element(der::SET, &[]);
    let content = element(der::SEQUENCE, &element(der::OID, &DATA));
    let bag = element(der::context(0), &sorted.concat());
    let signed = element(der::SEQUENCE, &[version, nothing.clone(), content, bag, nothing].concat());
    let info = [element(der::OID, &SIGNED_DATA), element(der::context(0), &signed)].concat();
    element(der::SEQUENCE, &info)
}

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut written = vec![tag];
    let length = contents.len();
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => written.push(short),
        _ => {
            let octets = length.to_be_bytes();
            let octets: Vec<u8> = octets.into_iter().skip_while(|octet| *octet == 0).collect();
            // A usize has 8 octets at most.
            written.push(0x80 | octets.len() as u8);
            written.extend(octets);
        }
    }
    written.extend(contents);
    written
}
