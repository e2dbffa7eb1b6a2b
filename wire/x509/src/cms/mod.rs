//! Certificates in a bag: the certs-only SignedData of CMS (RFC 5652 section 5, RFC 8551 section 3.8), which EST answers
//! with and `.p7b` files are. Signatures and contents have no place in it.

mod refused;
mod write;

use crate::{Certificate, armour, der};

pub use refused::CmsRefused;
pub use write::certs_only;

/// As many certificates as [`CERTIFICATES_MAX`], of the size that authorities have.
pub const CMS_BYTES_MAX: usize = 64 * 1024;
/// A chain and the cross certificates of a rollover, twice over.
pub const CERTIFICATES_MAX: usize = 32;

/// All are in use for the same thing (RFC 7468 sections 8 and 9).
const LABELS: [&str; 2] = ["PKCS7", "CMS"];
/// 1.2.840.113549.1.7.2 and 1.2.840.113549.1.7.1.
const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// RFC 5652 section 5.1: 1 without anything newer in it, at most 5.
const VERSION: u32 = 1;
const VERSION_MAX: u32 = 5;

/// The certificates in it, in the order they stand. Reads DER, PEM, or base64 in one line or many; revocation lists that
/// lie beside the certificates are not looked at.
pub fn read_certs_only(sent: &[u8]) -> Result<Vec<Certificate>, CmsRefused> {
    let bytes = armour::to_der(sent, &LABELS, CMS_BYTES_MAX)?;
    let mut info = der::only(&bytes, der::SEQUENCE)?.inside();
    if info.expect(der::OID)?.contents != SIGNED_DATA {
        return Err(CmsRefused::NotSignedData);
    }
    let content = info.expect(der::context(0))?;
    info.end()?;
    let mut signed = der::only(content.contents, der::SEQUENCE)?.inside();
    let version = signed.expect(der::INTEGER)?.small()?;
    if !(VERSION..=VERSION_MAX).contains(&version) {
        return Err(CmsRefused::Version { version });
    }
    let algorithms = signed.expect(der::SET)?;
    let mut enclosed = signed.expect(der::SEQUENCE)?.inside();
    let kind = enclosed.expect(der::OID)?;
    if kind.contents != DATA || !enclosed.is_empty() {
        return Err(CmsRefused::Content);
    }
    let certificates = signed.optional(der::context(0))?;
    let _lists = signed.optional(der::context(1))?;
    let signers = signed.expect(der::SET)?;
    signed.end()?;
    if !algorithms.contents.is_empty() || !signers.contents.is_empty() {
        return Err(CmsRefused::Signers);
    }

    let mut reader = certificates.ok_or(CmsRefused::NoCertificates)?.inside();
    let mut found = Vec::new();
    while !reader.is_empty() {
        if found.len() >= CERTIFICATES_MAX {
            return Err(CmsRefused::TooMany);
        }
        // Attribute certificates have other tags.
        let certificate = reader.expect(der::SEQUENCE)?;
        let number = found.len() + 1;
        let parsed = Certificate::parse(certificate.whole).map_err(|why| why.numbered(number))?;
        found.push(parsed);
    }
    if found.is_empty() { Err(CmsRefused::NoCertificates) } else { Ok(found) }
}

#[cfg(test)]
mod tests;
