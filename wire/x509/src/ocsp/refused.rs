//! Why a request is not answered but with `malformedRequest`.

use super::{OCSP_CERTIFICATES_MAX, OCSP_NONCE_BYTES_MAX, OCSP_REQUEST_BYTES_MAX};
use crate::NotDer;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OcspRefused {
    #[error("OCSP request of {bytes} bytes is larger than the {OCSP_REQUEST_BYTES_MAX} allowed")]
    TooLarge { bytes: usize },
    #[error("OCSP request is not DER ({0})")]
    NotDer(NotDer),
    #[error("OCSP request is not of version 1")]
    Version,
    #[error("OCSP request asks about no certificate")]
    Nothing,
    #[error("OCSP request asks about more than {OCSP_CERTIFICATES_MAX} certificates")]
    TooMany,
    #[error("OCSP request has a hash that is not as long as its algorithm makes it")]
    HashLength,
    #[error("OCSP request has parameters for a hash, which has none")]
    HashParameters,
    #[error("OCSP request has a serial number of more than 20 octets")]
    SerialLength,
    #[error("OCSP request has a nonce of {bytes} bytes, not 1 to {OCSP_NONCE_BYTES_MAX} (RFC 9654)")]
    NonceLength { bytes: usize },
    #[error("OCSP request has an extension twice, or too many")]
    Extensions,
    #[error("OCSP request has a critical extension that is not known here")]
    CriticalExtension,
}
