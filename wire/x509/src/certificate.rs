//! One certificate, read leniently: its bytes, and the facts that matching and display need.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use aws_lc_rs::digest;
use jiff::Timestamp;
use x509_parser::{
    certificate::{X509Certificate, X509CertificateParser},
    error::X509Error,
    extensions::BasicConstraints,
    nom::{self, Parser},
    oid_registry::OID_X509_EXT_BASIC_CONSTRAINTS,
    prelude::FromDer,
    time::ASN1Time,
};

use crate::{Thumbprint, name};

/// A device certificate is 0.5 to 2 KiB, a post-quantum one up to 8 KiB: twice the largest.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;

/// A parsed certificate that owns its DER. Cloning shares.
#[derive(Clone)]
pub struct Certificate(Arc<Facts>);

struct Facts {
    der: Box<[u8]>,
    subject: String,
    issuer: String,
    subject_der: Box<[u8]>,
    issuer_der: Box<[u8]>,
    spki_der: Box<[u8]>,
    common_name: Option<String>,
    serial: Box<[u8]>,
    serial_hex: String,
    version: u8,
    not_before: Date,
    not_after: Date,
    is_ca: bool,
    /// Of many certificates only one of the two is asked for, of some none.
    sha1: OnceLock<Thumbprint>,
    sha256: OnceLock<Thumbprint>,
}

/// A date of a certificate: `99991231235959Z` (IEEE 802.1AR, "no expiry") lies a day beyond what a `Timestamp` can say.
struct Date {
    at: Timestamp,
    written: ASN1Time,
}

/// Why bytes or text are no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error(
        "certificate of {bytes} bytes is larger than the {} allowed: send a smaller one",
        CERTIFICATE_BYTES_MAX
    )]
    TooLarge { bytes: usize },
    #[error("certificate is not DER of an X.509 certificate ({reason}): export it again as DER or PEM")]
    NotDer { reason: String },
    #[error(
        "certificate is followed by {bytes} bytes that do not belong to it: send exactly one DER certificate"
    )]
    Trailing { bytes: usize },
    #[error(
        "certificate text of {bytes} bytes is longer than the {} allowed: send fewer certificates",
        crate::TEXT_BYTES_MAX
    )]
    TextTooLong { bytes: usize },
    #[error("certificate text is empty: send PEM, or the base64 of the DER")]
    Empty,
    #[error(
        "certificate text has `{label}` where a certificate was expected: send `BEGIN CERTIFICATE` blocks only"
    )]
    NotACertificate { label: String },
    #[error(
        "certificate text has a `BEGIN CERTIFICATE` without its `END CERTIFICATE`: send the whole PEM block"
    )]
    Unterminated,
    #[error("certificate text is not base64: copy it again, whole and unchanged")]
    NotBase64,
    #[error("number {number} of the certificates: {why}")]
    Numbered { number: usize, why: Box<Malformed> },
}

impl Malformed {
    /// The first needs no number, for most texts have one certificate.
    pub(crate) fn numbered(self, number: usize) -> Self {
        if number == 1 { self } else { Self::Numbered { number, why: Box::new(self) } }
    }
}

impl Certificate {
    /// Reads one DER certificate of any version; nothing about it is judged.
    pub fn parse(der: &[u8]) -> Result<Self, Malformed> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(Malformed::TooLarge { bytes: der.len() });
        }
        // What is in its extensions is read by those who ask for it.
        let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
        let (rest, parsed) = parser.parse(der).map_err(|stop| {
            let reason = match stop {
                nom::Err::Error(X509Error::Der(_)) | nom::Err::Failure(X509Error::Der(_)) => {
                    "its encoding is broken".to_owned()
                }
                nom::Err::Error(error) | nom::Err::Failure(error) => error.to_string(),
                nom::Err::Incomplete(_) => "it is cut short".to_owned(),
            };
            Malformed::NotDer { reason }
        })?;
        if !rest.is_empty() {
            return Err(Malformed::Trailing { bytes: rest.len() });
        }
        Ok(Self(Arc::new(Facts {
            subject: name::to_rfc4514(parsed.subject()),
            issuer: name::to_rfc4514(parsed.issuer()),
            subject_der: parsed.subject().as_raw().into(),
            issuer_der: parsed.issuer().as_raw().into(),
            spki_der: parsed.public_key().raw.into(),
            common_name: name::only_common_name(parsed.subject()),
            serial: parsed.raw_serial().into(),
            serial_hex: hex::encode_upper(parsed.raw_serial()),
            version: u8::try_from(parsed.version().0.saturating_add(1)).unwrap_or(u8::MAX),
            not_before: Date::from(parsed.validity().not_before),
            not_after: Date::from(parsed.validity().not_after),
            is_ca: says_authority(&parsed),
            sha1: OnceLock::new(),
            sha256: OnceLock::new(),
            der: der.into(),
        })))
    }

    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The subject's common name; none when there are two, because then it names nobody.
    pub fn common_name(&self) -> Option<&str> {
        self.0.common_name.as_deref()
    }

    /// The subject as RFC 4514 writes it (`CN=d1,O=Contoso`). For people and records, never for matching.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    pub fn subject_der(&self) -> &[u8] {
        &self.0.subject_der
    }

    pub fn issuer_der(&self) -> &[u8] {
        &self.0.issuer_der
    }

    /// The public key with its algorithm, as it stands in the certificate.
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki_der
    }

    /// What names the key, whoever certifies it: the SHA-256 of [`Certificate::spki_der`].
    pub fn key_sha256(&self) -> Thumbprint {
        Thumbprint::of_digest(digest::digest(&digest::SHA256, self.spki_der()).as_ref())
    }

    /// As it stands in the certificate: the octets of an INTEGER.
    pub fn serial(&self) -> &[u8] {
        &self.0.serial
    }

    pub fn serial_hex(&self) -> &str {
        &self.0.serial_hex
    }

    /// 1, 2 or 3, as people count; the encoding counts from 0.
    pub fn version(&self) -> u8 {
        self.0.version
    }

    pub fn not_before(&self) -> Timestamp {
        self.0.not_before.at
    }

    /// The last valid second; clamped to what a `Timestamp` can say.
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after.at
    }

    pub(crate) fn not_before_text(&self) -> String {
        self.0.not_before.text()
    }

    pub(crate) fn not_after_text(&self) -> String {
        self.0.not_after.text()
    }

    /// Whether basicConstraints says that this is an authority.
    pub fn is_ca(&self) -> bool {
        self.0.is_ca
    }

    /// The value of the first extension of that object identifier: the contents of its OCTET STRING. Read afresh each time,
    /// for nearly nobody asks.
    pub(crate) fn extension(&self, oid: &str) -> Option<Vec<u8>> {
        let (_, parsed) = X509Certificate::from_der(self.der()).ok()?;
        let found = parsed.extensions().iter().find(|extension| extension.oid.to_id_string() == oid)?;
        Some(found.value.to_vec())
    }

    pub fn sha1(&self) -> Thumbprint {
        self.0.sha1.get_or_init(|| self.hashed(&digest::SHA1_FOR_LEGACY_USE_ONLY)).clone()
    }

    pub fn sha256(&self) -> Thumbprint {
        self.0.sha256.get_or_init(|| self.hashed(&digest::SHA256)).clone()
    }

    fn hashed(&self, hash: &'static digest::Algorithm) -> Thumbprint {
        Thumbprint::of_digest(digest::digest(hash, self.der()).as_ref())
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, sha1 {})", self.0.subject, self.sha1())
    }
}

impl From<ASN1Time> for Date {
    fn from(time: ASN1Time) -> Self {
        let seconds = time.timestamp();
        let at = Timestamp::from_second(seconds).unwrap_or(if seconds < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        });
        Self { at, written: time }
    }
}

impl Date {
    fn text(&self) -> String {
        let (date, clock) = (self.written.to_datetime().date(), self.written.to_datetime().time());
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        let (hour, minute, second) = clock.as_hms();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Of two that contradict each other, or of one that cannot be read, nothing is believed.
fn says_authority(parsed: &X509Certificate<'_>) -> bool {
    let Ok(Some(extension)) = parsed.get_extension_unique(&OID_X509_EXT_BASIC_CONSTRAINTS) else {
        return false;
    };
    BasicConstraints::from_der(extension.value).is_ok_and(|(_, constraints)| constraints.ca)
}

#[cfg(test)]
mod tests;
