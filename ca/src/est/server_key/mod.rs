//! Private keys made here for devices (RFC 7030 section 4.4): of which kind, and what of their request stands in the request
//! for the new key. Pure.

mod service;

use muster_x509::{Csr, CsrRefused, NotDer, PublicKey};
use x509_cert::der::asn1::ObjectIdentifier;

use super::enroll::EnrollError;
use crate::{
    keys::KeyKind,
    profile::{KeyFamily, Profile},
    tlv::{Mark, OBJECT_IDENTIFIER, SEQUENCE, context, element, extension},
};

pub(super) use service::Keyed;

/// What the record of such a certificate says.
pub(super) const REMARK: &str = "its private key was made here";

/// DecryptKeyIdentifier (RFC 4108 section 2.2.5) and AsymmetricDecryptKeyIdentifier (RFC 7030 section 4.4.1.2).
const ENCRYPTION: [&str; 2] = ["1.2.840.113549.1.9.16.2.37", "1.2.840.113549.1.9.16.2.54"];
const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
const SET: u8 = 0x31;

/// A key is not sent in another way than it was asked for.
pub(super) fn check(csr: &Csr) -> Result<(), EnrollError> {
    let encrypted = csr.attributes().iter().any(|attribute| ENCRYPTION.contains(&attribute.oid.as_str()));
    if encrypted { Err(EnrollError::KeyEncryption) } else { Ok(()) }
}

/// That of the key which the client sent, where the profile allows it and it can be made here.
fn kind(asked: PublicKey, profile: &Profile) -> KeyKind {
    let (family, kind) = match asked {
        PublicKey::P256 | PublicKey::P521 => (KeyFamily::P256, KeyKind::P256),
        PublicKey::P384 => (KeyFamily::P384, KeyKind::P384),
        PublicKey::Ed25519 => (KeyFamily::Ed25519, KeyKind::Ed25519),
        PublicKey::Rsa { bits: ..=2048 } => (KeyFamily::Rsa, KeyKind::Rsa2048),
        PublicKey::Rsa { bits: ..=3072 } => (KeyFamily::Rsa, KeyKind::Rsa3072),
        PublicKey::Rsa { .. } => (KeyFamily::Rsa, KeyKind::Rsa4096),
    };
    if profile.key.kinds.contains(&family) { kind } else { KeyKind::P256 }
}

/// The attributes of the new request, `[0]`: the extensions that were asked for, so that they are judged as in any other
/// request; nothing else, the challenge password least of all.
fn attributes(csr: &Csr) -> Result<Vec<u8>, CsrRefused> {
    let asked = &csr.requested().extensions;
    if asked.is_empty() {
        return Ok(element(context(0), &[]));
    }
    let mut extensions = Vec::new();
    for one in asked {
        let oid = ObjectIdentifier::new(&one.oid)
            .map_err(|_| CsrRefused::Extension { oid: one.oid.clone(), why: NotDer::Unexpected })?;
        let mark = if one.critical { Mark::Critical } else { Mark::Plain };
        extensions.extend(extension(oid.as_bytes(), mark, &one.value_der));
    }
    let values = element(SET, &[&element(SEQUENCE, &[&extensions])]);
    let attribute =
        element(SEQUENCE, &[&element(OBJECT_IDENTIFIER, &[EXTENSION_REQUEST.as_bytes()]), &values]);
    Ok(element(context(0), &[&attribute]))
}
