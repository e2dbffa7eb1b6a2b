//! A key pair made for a client that has no good random source: it goes out at once, and is kept nowhere.

use aws_lc_rs::error::Unspecified;
use zeroize::Zeroizing;

use super::{KeyKind, SoftKey};
use crate::tlv::{SEQUENCE, element};

/// PKCS #10 version 1 (RFC 2986 section 4.1).
const VERSION_1: [u8; 3] = [2, 1, 0];

pub(crate) struct ClientKey {
    /// A request for it, signed by it, DER.
    pub(crate) csr_der: Vec<u8>,
    pub(crate) pkcs8: Zeroizing<Vec<u8>>,
}

impl ClientKey {
    /// `subject_der` is a Name, `attributes_der` the whole `[0]` of a CertificationRequestInfo.
    pub(super) fn make(
        kind: KeyKind,
        subject_der: &[u8],
        attributes_der: &[u8],
    ) -> Result<Self, Unspecified> {
        let key = SoftKey::generate(kind)?;
        let info = element(SEQUENCE, &[&VERSION_1, subject_der, key.public().spki_der(), attributes_der]);
        let csr_der = key.sign(&info)?.wrap(&info);
        Ok(Self { csr_der, pkcs8: key.to_pkcs8()? })
    }
}
