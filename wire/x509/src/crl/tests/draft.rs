//! A revocation list part by part, so that each part can be wrong while the signature is right.

use crate::workshop::{Made, element};

const ECDSA_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
pub(super) const KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 35];
pub(super) const NUMBER: &[u8] = &[0x55, 0x1d, 20];
pub(super) const POINT: &[u8] = &[0x55, 0x1d, 28];
pub(super) const REASON: &[u8] = &[0x55, 0x1d, 21];

pub(super) struct Draft {
    pub(super) version: Vec<u8>,
    /// Inside; the outer one stays.
    pub(super) algorithm: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) dates: Vec<u8>,
    /// With its tag, or nothing.
    pub(super) entries: Vec<u8>,
    pub(super) extensions: Vec<Vec<u8>>,
}

impl Draft {
    /// Of an authority that everybody here has; at its full age on the day of the tests.
    pub(super) fn of(authority: &Made) -> Self {
        Self {
            version: vec![2, 1, 1],
            algorithm: ECDSA_SHA256.to_vec(),
            issuer: authority.certificate.subject_der().to_vec(),
            dates: [time("261120000000Z"), time("261127000000Z")].concat(),
            entries: vec![],
            extensions: vec![key_identifier(authority), number(&[7])],
        }
    }

    pub(super) fn with(self, extension: Vec<u8>) -> Self {
        Self { extensions: [self.extensions, vec![extension]].concat(), ..self }
    }

    pub(super) fn revoking(self, entries: &[Vec<u8>]) -> Self {
        Self { entries: element(0x30, &[&entries.concat()]), ..self }
    }

    pub(super) fn sign(&self, authority: &Made) -> Vec<u8> {
        let extensions = match self.extensions.is_empty() {
            true => vec![],
            false => element(0xa0, &[&element(0x30, &[&self.extensions.concat()])]),
        };
        let parts: [&[u8]; 6] =
            [&self.version, &self.algorithm, &self.issuer, &self.dates, &self.entries, &extensions];
        let list = element(0x30, &parts);
        element(0x30, &[&list, ECDSA_SHA256, &element(3, &[&[0], &authority.sign(&list)])])
    }
}

pub(super) fn time(text: &str) -> Vec<u8> {
    element(0x17, &[text.as_bytes()])
}

pub(super) fn number(octets: &[u8]) -> Vec<u8> {
    extension(NUMBER, false, &element(2, &[octets]))
}

pub(super) fn key_identifier(authority: &Made) -> Vec<u8> {
    let own = authority.certificate.extension("2.5.29.14").unwrap();
    extension(KEY_IDENTIFIER, false, &element(0x30, &[&element(0x80, &[&own[2..]])]))
}

/// A shard: the full name is one URI.
pub(super) fn point(uri: &str) -> Vec<u8> {
    element(0xa0, &[&element(0xa0, &[&element(0x86, &[uri.as_bytes()])])])
}

pub(super) fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    element(0x30, &[&element(6, &[oid]), critical, &element(4, &[value])])
}

pub(super) fn entry(serial: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let extensions = if extensions.is_empty() { vec![] } else { element(0x30, &[&extensions.concat()]) };
    element(0x30, &[&element(2, &[serial]), &time("261101000000Z"), &extensions])
}
