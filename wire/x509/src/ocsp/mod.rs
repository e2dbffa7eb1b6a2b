//! OCSP requests (RFC 6960 section 4.1, RFC 9654): read strictly, for what strangers send costs a signature each.
//!
//! Who asks is not looked at: what is answered is public. A signature on a request is passed over, which RFC 6960 section
//! 4.1.2 leaves to the responder.

mod refused;

use std::fmt;

use crate::der::{self, Element, NotDer};

pub use refused::OcspRefused;

/// With as many certificates as may be asked about, and a signature with its chain.
pub const OCSP_REQUEST_BYTES_MAX: usize = 16 * 1024;
/// A client asks about one, or about those of a chain.
pub const OCSP_CERTIFICATES_MAX: usize = 16;
/// RFC 9654 section 2.1.
pub const OCSP_NONCE_BYTES_MAX: usize = 128;
/// RFC 5280 section 4.1.2.2, with the octet that keeps it positive.
const SERIAL_BYTES_MAX: usize = 21;
/// SHA-512, the longest hash there is.
const HASH_BYTES_MAX: usize = 64;
/// The nonce, acceptable answers, a service locator: nobody has more.
const EXTENSIONS_MAX: usize = 8;

const V1: u32 = 0;
/// 1.3.6.1.5.5.7.48.1.2
const NONCE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2];
/// 1.3.14.3.2.26
const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];
/// 2.16.840.1.101.3.4.2.1
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
/// 2.16.840.1.101.3.4.2.2
const SHA384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
const NULL: [u8; 2] = [5, 0];

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspRequest {
    /// At least one.
    pub certificates: Vec<CertId>,
    /// To be repeated in the answer, which then is made for this request alone.
    pub nonce: Option<Nonce>,
}

/// How a certificate is named: by its serial number, and hashes of its issuer's name and key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CertId {
    der: Vec<u8>,
    pub hash: Option<OcspHash>,
    /// Of the issuer's name, DER.
    pub name_hash: Vec<u8>,
    /// Of the bits of the issuer's public key.
    pub key_hash: Vec<u8>,
    /// Big-endian, without the octet that only says that it is positive.
    pub serial: Vec<u8>,
}

/// The hashes that an issuer may be named by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OcspHash {
    /// Of old clients, and of OpenSSL unless it is told otherwise. Nothing is signed because of it.
    Sha1,
    Sha256,
    Sha384,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(Vec<u8>);

impl OcspRequest {
    /// Reads DER.
    pub fn parse(sent: &[u8]) -> Result<Self, OcspRefused> {
        if sent.len() > OCSP_REQUEST_BYTES_MAX {
            return Err(OcspRefused::TooLarge { bytes: sent.len() });
        }
        der::check(sent)?;
        let mut request = der::only(sent, der::SEQUENCE)?.inside();
        let mut asked = request.expect(der::SEQUENCE)?.inside();
        if let Some(signature) = request.optional(der::context(0))? {
            check_signature(&signature)?;
        }
        request.end()?;
        if let Some(version) = asked.optional(der::context(0))?
            && der::only(version.contents, der::INTEGER)?.small()? != V1
        {
            return Err(OcspRefused::Version);
        }
        // Who asks, if it says so.
        asked.optional(der::context(1))?;
        let certificates = certificates(&asked.expect(der::SEQUENCE)?)?;
        let nonce = match asked.optional(der::context(2))? {
            Some(extensions) => nonce(&extensions)?,
            None => None,
        };
        asked.end()?;
        Ok(Self { certificates, nonce })
    }
}

impl CertId {
    /// As it was asked, to be repeated.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    fn read(element: &Element<'_>) -> Result<Self, OcspRefused> {
        let mut fields = element.inside();
        let hash = hash(&fields.expect(der::SEQUENCE)?)?;
        let name_hash = fields.expect(der::OCTET_STRING)?.contents.to_vec();
        let key_hash = fields.expect(der::OCTET_STRING)?.contents.to_vec();
        let serial = fields.expect(der::INTEGER)?;
        fields.end()?;
        let length = hash.map(OcspHash::bytes);
        let fits = |hash: &[u8]| length.map_or(hash.len() <= HASH_BYTES_MAX, |length| hash.len() == length);
        if !fits(&name_hash) || !fits(&key_hash) {
            return Err(OcspRefused::HashLength);
        }
        if serial.contents.len() > SERIAL_BYTES_MAX {
            return Err(OcspRefused::SerialLength);
        }
        // A negative serial number is nobody's, and one that is asked about is not a mistake in the request.
        let serial = serial.unsigned().unwrap_or_default().to_vec();
        Ok(Self { der: element.whole.to_vec(), hash, name_hash, key_hash, serial })
    }
}

impl OcspHash {
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha384];

    fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

impl Nonce {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn certificates(list: &Element<'_>) -> Result<Vec<CertId>, OcspRefused> {
    let (mut list, mut certificates) = (list.inside(), Vec::new());
    while !list.is_empty() {
        if certificates.len() == OCSP_CERTIFICATES_MAX {
            return Err(OcspRefused::TooMany);
        }
        let mut request = list.expect(der::SEQUENCE)?.inside();
        certificates.push(CertId::read(&request.expect(der::SEQUENCE)?)?);
        if let Some(extensions) = request.optional(der::context(0))? {
            each_extension(&extensions, |_, _| Ok(Known::No))?;
        }
        request.end()?;
    }
    if certificates.is_empty() { Err(OcspRefused::Nothing) } else { Ok(certificates) }
}

/// None for one that is not known here: then the issuer is not, either.
fn hash(algorithm: &Element<'_>) -> Result<Option<OcspHash>, OcspRefused> {
    let mut fields = algorithm.inside();
    let oid = fields.expect(der::OID)?.contents;
    let parameters = if fields.is_empty() { None } else { Some(fields.next()?.whole) };
    fields.end()?;
    let hash = match oid {
        SHA1 => OcspHash::Sha1,
        SHA256 => OcspHash::Sha256,
        SHA384 => OcspHash::Sha384,
        _ => return Ok(None),
    };
    match parameters {
        None => Ok(Some(hash)),
        Some(parameters) if parameters == NULL => Ok(Some(hash)),
        Some(_) => Err(OcspRefused::HashParameters),
    }
}

fn nonce(extensions: &Element<'_>) -> Result<Option<Nonce>, OcspRefused> {
    let mut nonce = None;
    each_extension(extensions, |oid, value| {
        if oid != NONCE {
            return Ok(Known::No);
        }
        let octets = der::only(value, der::OCTET_STRING)?.contents;
        if octets.is_empty() || octets.len() > OCSP_NONCE_BYTES_MAX {
            return Err(OcspRefused::NonceLength { bytes: octets.len() });
        }
        nonce = Some(Nonce(octets.to_vec()));
        Ok(Known::Yes)
    })?;
    Ok(nonce)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Yes,
    No,
}

/// Each once, and none that is critical and unknown.
fn each_extension<'a>(
    extensions: &Element<'a>,
    mut read: impl FnMut(&'a [u8], &'a [u8]) -> Result<Known, OcspRefused>,
) -> Result<(), OcspRefused> {
    let mut list = der::only(extensions.contents, der::SEQUENCE)?.inside();
    let mut seen = Vec::new();
    while !list.is_empty() {
        let mut extension = list.expect(der::SEQUENCE)?.inside();
        let oid = extension.expect(der::OID)?.contents;
        let critical = match extension.optional(der::BOOLEAN)? {
            Some(critical) => critical.boolean()?,
            None => false,
        };
        let value = extension.expect(der::OCTET_STRING)?.contents;
        extension.end()?;
        if seen.contains(&oid) || seen.len() == EXTENSIONS_MAX {
            return Err(OcspRefused::Extensions);
        }
        seen.push(oid);
        if read(oid, value)? == Known::No && critical {
            return Err(OcspRefused::CriticalExtension);
        }
    }
    Ok(())
}

/// Its form; whether it is right makes no difference to what is public.
fn check_signature(signature: &Element<'_>) -> Result<(), OcspRefused> {
    let mut fields = der::only(signature.contents, der::SEQUENCE)?.inside();
    fields.expect(der::SEQUENCE)?;
    fields.expect(der::BIT_STRING)?;
    if let Some(certificates) = fields.optional(der::context(0))? {
        der::only(certificates.contents, der::SEQUENCE)?;
    }
    Ok(fields.end()?)
}

impl From<NotDer> for OcspRefused {
    fn from(flaw: NotDer) -> Self {
        Self::NotDer(flaw)
    }
}

impl fmt::Debug for CertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertId({:?}, serial {})", self.hash, hex::encode(&self.serial))
    }
}

#[cfg(test)]
mod tests;
