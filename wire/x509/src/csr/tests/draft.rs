//! A request part by part, so that each part can be wrong while the signature is right.

use rcgen::{KeyPair, PublicKeyData, SigningKey};

use crate::workshop::element;

pub(super) struct Draft {
    pub(super) version: Vec<u8>,
    pub(super) subject: Vec<u8>,
    pub(super) spki: Vec<u8>,
    /// With its tag.
    pub(super) attributes: Vec<u8>,
    /// ecdsa-with-SHA256.
    pub(super) algorithm: Vec<u8>,
    pub(super) key: KeyPair,
}

const ECDSA_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
pub(super) const COMMON_NAME: &[u8] = &[0x55, 4, 3];
pub(super) const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
pub(super) const CHALLENGE_PASSWORD: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 7];

impl Draft {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        Self {
            version: vec![2, 1, 0],
            subject: name(&[attribute(COMMON_NAME, 0x0c, b"device")]),
            spki: key.subject_public_key_info(),
            attributes: vec![0xa0, 0],
            algorithm: ECDSA_SHA256.to_vec(),
            key,
        }
    }

    pub(super) fn named(subject: Vec<u8>) -> Self {
        Self { subject, ..Self::new() }
    }

    pub(super) fn with(attributes: &[Vec<u8>]) -> Self {
        Self { attributes: element(0xa0, &[&attributes.concat()]), ..Self::new() }
    }

    pub(super) fn asking(extensions: &[Vec<u8>]) -> Self {
        let extensions = element(0x30, &[&extensions.concat()]);
        Self::with(&[element(0x30, &[&element(6, &[EXTENSION_REQUEST]), &element(0x31, &[&extensions])])])
    }

    pub(super) fn sign(&self) -> Vec<u8> {
        let info = element(0x30, &[&self.version, &self.subject, &self.spki, &self.attributes]);
        let signature = self.key.sign(&info).unwrap();
        element(0x30, &[&info, &self.algorithm, &element(3, &[&[0], &signature])])
    }
}

/// One RDN each.
pub(super) fn name(attributes: &[Vec<u8>]) -> Vec<u8> {
    let rdns: Vec<Vec<u8>> = attributes.iter().map(|attribute| element(0x31, &[attribute])).collect();
    element(0x30, &[&rdns.concat()])
}

pub(super) fn attribute(oid: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
    element(0x30, &[&element(6, &[oid]), &element(tag, &[value])])
}

pub(super) fn extension(oid: &[u8], value: &[u8]) -> Vec<u8> {
    element(0x30, &[&element(6, &[oid]), &element(4, &[value])])
}
