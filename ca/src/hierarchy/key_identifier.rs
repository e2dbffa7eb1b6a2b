//! How certificates name keys.

use aws_lc_rs::digest::{SHA256, digest};
use x509_cert::{
    der::{Decode, asn1::OctetString},
    ext::pkix::SubjectKeyIdentifier,
    spki::SubjectPublicKeyInfoRef,
};

use muster_x509::Certificate;

const BYTES: usize = 20;

/// RFC 7093 section 2 method 1: the left 160 bits of the SHA-256 over the public key's bits.
pub(crate) fn key_identifier(
    key: &SubjectPublicKeyInfoRef<'_>,
) -> Result<OctetString, x509_cert::der::Error> {
    let hash = digest(&SHA256, key.subject_public_key.raw_bytes());
    OctetString::new(&hash.as_ref()[..BYTES])
}

/// The subject key identifier that stands in a certificate: what all it signs must repeat, whoever computed it.
pub(crate) fn subject_key_identifier(certificate: &Certificate) -> Option<OctetString> {
    let parsed = x509_cert::Certificate::from_der(certificate.der()).ok()?;
    let (_, identifier) = parsed.tbs_certificate().get_extension::<SubjectKeyIdentifier>().ok()??;
    Some(identifier.0)
}
