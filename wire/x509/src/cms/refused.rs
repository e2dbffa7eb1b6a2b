//! Why a bag of certificates is refused, each reason with what to do about it.

use super::{CERTIFICATES_MAX, CMS_BYTES_MAX};
use crate::{Malformed, NotDer, armour::Flaw};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CmsRefused {
    #[error("PKCS #7 is empty: give a `.p7b` as DER, PEM or base64")]
    Empty,
    #[error("PKCS #7 of {bytes} bytes is larger than the {CMS_BYTES_MAX} allowed: give fewer certificates")]
    TooLarge { bytes: usize },
    #[error("PKCS #7 is neither DER nor base64: give a `.p7b` as DER, PEM or base64")]
    NotBase64,
    #[error("PKCS #7 has a PEM block `{label}` where `PKCS7` was expected: give the certificates only")]
    Label { label: String },
    #[error("PKCS #7 has no end of its PEM block, or more than one block: give one whole block")]
    PemBlock,
    #[error("PKCS #7 is not DER ({0}): export it again")]
    NotDer(#[from] NotDer),
    #[error("PKCS #7 is not of the kind signedData: export the certificates as `.p7b`")]
    NotSignedData,
    #[error("PKCS #7 has version {version}, only 1 to 5 exist: export it again")]
    Version { version: u32 },
    #[error("PKCS #7 has contents of its own: export the certificates without anything signed")]
    Content,
    #[error("PKCS #7 has signatures: export the certificates without anything signed")]
    Signers,
    #[error("PKCS #7 has no certificates: export them along")]
    NoCertificates,
    #[error("PKCS #7 has more than {CERTIFICATES_MAX} certificates: give fewer")]
    TooMany,
    #[error("PKCS #7: {0}")]
    Certificate(#[from] Malformed),
}

impl From<Flaw> for CmsRefused {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Empty => Self::Empty,
            Flaw::TooLarge { bytes } => Self::TooLarge { bytes },
            Flaw::NotBase64 => Self::NotBase64,
            Flaw::Label { label } => Self::Label { label },
            Flaw::Block => Self::PemBlock,
        }
    }
}
