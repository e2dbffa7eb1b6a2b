//! What is to be signed, built: certificates of authorities, and requests for those that are signed elsewhere. Pure.

use jiff::Timestamp;
use x509_cert::{
    attr::Attribute,
    builder::{self, Builder, CertificateBuilder, profile::BuilderProfile},
    der::{
        DateTime, Decode, Encode,
        asn1::{GeneralizedTime, SetOfVec},
    },
    ext::{
        ToExtension,
        pkix::{BasicConstraints, KeyUsage, KeyUsages},
    },
    name::Name,
    request::{CertReqInfo, ExtensionReq, Version},
    serial_number::SerialNumber,
    spki::SubjectPublicKeyInfo,
    time::Time,
};

use muster_x509::Malformed;

use super::shape::Validity;
use crate::{Entropy, keys::PublicKey};

/// Why a certificate could not be built: none of it is the caller's doing.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("certificate cannot be built ({0}): report this as a defect")]
    Build(String),
    #[error("certificate that was just issued cannot be read ({0}): report this as a defect")]
    Unreadable(#[from] Malformed),
}

/// 127 random bits: no counter to keep, none to collide (RFC 5280 section 4.1.2.2 allows 20 octets). Positive and of full
/// length: the top bit is clear, the next one set.
pub(crate) fn fresh_serial(entropy: &Entropy) -> [u8; 16] {
    let mut bytes = [0; 16];
    entropy(&mut bytes);
    bytes[0] = bytes[0] & 0x7f | 0x40;
    bytes
}

/// The TBSCertificate for `subject_key`, to be signed with the key of `issuer_key`.
pub(crate) fn certificate(
    profile: impl BuilderProfile,
    subject_key: &PublicKey,
    issuer_key: &PublicKey,
    serial: [u8; 16],
    validity: Validity,
) -> Result<Vec<u8>, BuildError> {
    let spki = SubjectPublicKeyInfo::from_der(subject_key.spki_der())?;
    let validity = x509_cert::time::Validity::new(time(validity.not_before)?, time(validity.not_after)?);
    let mut builder = CertificateBuilder::new(profile, SerialNumber::new(&serial)?, validity, spki)?;
    Ok(builder.finalize(issuer_key)?)
}

/// The CertificationRequestInfo of an authority that is signed elsewhere. It says what is needed, so that whoever signs
/// can copy it (`openssl x509 -req -copy_extensions copy`).
pub(super) fn request(subject: Name, key: &PublicKey, path_len: u8) -> Result<Vec<u8>, BuildError> {
    let constraints = BasicConstraints { ca: true, path_len_constraint: Some(path_len) };
    let usage = KeyUsage(KeyUsages::DigitalSignature | KeyUsages::KeyCertSign | KeyUsages::CRLSign);
    let extensions = vec![constraints.to_extension(&subject, &[])?, usage.to_extension(&subject, &[])?];
    let asked = Attribute::try_from(ExtensionReq::from(extensions))?;
    let info = CertReqInfo {
        version: Version::V1,
        subject,
        public_key: SubjectPublicKeyInfo::from_der(key.spki_der())?,
        attributes: SetOfVec::try_from(vec![asked])?,
    };
    Ok(info.to_der()?)
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
