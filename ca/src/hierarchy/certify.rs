//! Certificates signed: what an authority issues, by profile.

use jiff::Timestamp;
use x509_cert::{
    builder::{self, Builder, CertificateBuilder},
    der::{DateTime, Decode, Encode, asn1::GeneralizedTime},
    serial_number::SerialNumber,
    spki::SubjectPublicKeyInfo,
    time::Time,
};

use muster_x509::{Certificate, Malformed};

use crate::{
    Entropy,
    hierarchy::shape::{Shape, Validity},
    keys::{PublicKey, RawSignature, SigningKey},
};

/// 127 random bits: no counter to keep, none to collide (RFC 5280 section 4.1.2.2 allows 20 octets).
const SERIAL_BYTES: usize = 16;

/// Why a certificate could not be built or signed: none of it is the caller's doing.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("certificate cannot be built ({0}): report this as a defect")]
    Build(String),
    #[error("certificate that was just issued cannot be read ({0}): report this as a defect")]
    Unreadable(#[from] Malformed),
}

/// Signs one certificate for `subject_key`, with `signer` as the issuer's key.
pub(crate) fn issue(
    shape: Shape,
    subject_key: &PublicKey,
    signer: &SigningKey,
    validity: Validity,
    entropy: &Entropy,
) -> Result<Certificate, BuildError> {
    let spki = SubjectPublicKeyInfo::from_der(subject_key.spki_der())?;
    let validity = x509_cert::time::Validity::new(time(validity.not_before)?, time(validity.not_after)?);
    let builder = CertificateBuilder::new(shape, serial(entropy)?, validity, spki)?;
    let certificate = builder.build::<_, RawSignature>(signer)?;
    Ok(Certificate::parse(&certificate.to_der()?)?)
}

/// Positive and of full length: the top bit is clear, the next one set.
fn serial(entropy: &Entropy) -> Result<SerialNumber, BuildError> {
    let mut bytes = [0; SERIAL_BYTES];
    entropy(&mut bytes);
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::new(&bytes)?)
}

/// The builder writes UTCTime up to 2049 (RFC 5280 section 4.1.2.5). Before 1970 there is nothing to write.
fn time(at: Timestamp) -> Result<Time, BuildError> {
    let since_epoch = std::time::Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0));
    let date = DateTime::from_unix_duration(since_epoch)?;
    Ok(Time::GeneralTime(GeneralizedTime::from_date_time(date)))
}

impl From<builder::Error> for BuildError {
    fn from(error: builder::Error) -> Self {
        Self::Build(error.to_string())
    }
}

impl From<x509_cert::der::Error> for BuildError {
    fn from(error: x509_cert::der::Error) -> Self {
        Self::Build(error.to_string())
    }
}
