//! The TBSCertificate, put together. What is copied is copied as it stands: another encoding of the same name breaks the
//! chain, another one of the same key makes it another key. Pure.

use super::life::Period;
use crate::tlv;

/// X.509 counts from 0.
const V3: u8 = 2;

pub(super) struct Parts<'a> {
    pub(super) serial: &'a [u8; 16],
    pub(super) algorithm_der: &'a [u8],
    pub(super) issuer_der: &'a [u8],
    pub(super) period: Period,
    pub(super) subject_der: &'a [u8],
    pub(super) spki_der: &'a [u8],
    /// One after the other, DER.
    pub(super) extensions: &'a [u8],
}

/// RFC 5280 section 4.1.
pub(super) fn encode(parts: &Parts<'_>) -> Vec<u8> {
    const VERSION: u8 = tlv::context(0);
    const EXTENSIONS: u8 = tlv::context(3);
    tlv::element(
        tlv::SEQUENCE,
        &[
            &tlv::element(VERSION, &[&tlv::integer(&[V3])]),
            &tlv::integer(parts.serial),
            parts.algorithm_der,
            parts.issuer_der,
            &parts.period.to_validity(),
            parts.subject_der,
            parts.spki_der,
            &tlv::element(EXTENSIONS, &[&tlv::element(tlv::SEQUENCE, &[parts.extensions])]),
        ],
    )
}
