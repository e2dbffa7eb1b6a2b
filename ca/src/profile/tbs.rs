//! The TBSCertificate, put together. What is copied is copied as it stands: another encoding of the same name breaks the
//! chain, another one of the same key makes it another key. Pure.

use x509_cert::{
    certificate::Version,
    der::{Decode, Encode, Sequence, asn1::AnyRef},
    ext::Extension,
    serial_number::SerialNumber,
    time::Validity,
};

use crate::hierarchy::BuildError;

/// RFC 5280 section 4.1.
#[derive(Sequence)]
struct TbsCertificate<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: Version,
    serial_number: SerialNumber,
    signature: AnyRef<'a>,
    issuer: AnyRef<'a>,
    validity: Validity,
    subject: AnyRef<'a>,
    subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

pub(super) struct Parts<'a> {
    pub(super) serial: &'a [u8; 16],
    pub(super) algorithm_der: &'a [u8],
    pub(super) issuer_der: &'a [u8],
    pub(super) validity: Validity,
    pub(super) subject_der: &'a [u8],
    pub(super) spki_der: &'a [u8],
    pub(super) extensions: Vec<Extension>,
}

pub(super) fn encode(parts: Parts<'_>) -> Result<Vec<u8>, BuildError> {
    let tbs = TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(parts.serial)?,
        signature: AnyRef::from_der(parts.algorithm_der)?,
        issuer: AnyRef::from_der(parts.issuer_der)?,
        validity: parts.validity,
        subject: AnyRef::from_der(parts.subject_der)?,
        subject_public_key_info: AnyRef::from_der(parts.spki_der)?,
        extensions: parts.extensions,
    };
    Ok(tbs.to_der()?)
}
