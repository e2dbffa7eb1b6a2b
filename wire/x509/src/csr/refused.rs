//! Why a certification request is refused, each reason with what to do about it.

use super::{CSR_BYTES_MAX, NAMES_MAX};
use crate::{NotDer, UnfitKey, armour::Flaw};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsrRefused {
    #[error("certification request is empty: send PKCS #10 as DER, PEM or base64")]
    Empty,
    #[error(
        "certification request of {bytes} bytes is larger than the {CSR_BYTES_MAX} allowed: ask for fewer names"
    )]
    TooLarge { bytes: usize },
    #[error("certification request is neither DER nor base64: send PKCS #10 as DER, PEM or base64")]
    NotBase64,
    #[error(
        "certification request has a PEM block `{label}` where `CERTIFICATE REQUEST` was expected: send the request only, never the key"
    )]
    Label { label: String },
    #[error(
        "certification request has no end of its PEM block, or more than one block: send one whole block"
    )]
    PemBlock,
    #[error("certification request is not DER ({0}): make it again, for example with `openssl req -new`")]
    NotDer(#[from] NotDer),
    #[error(
        "certification request has version {version}, only version 1 (written as 0) exists: make it again"
    )]
    Version { version: u32 },
    #[error("certification request has a subject of more than {NAMES_MAX} attributes: ask for fewer")]
    SubjectTooLong,
    #[error("certification request has more than {NAMES_MAX} subject alternative names: ask for fewer")]
    TooManyNames,
    #[error("certification request has a subject attribute `{oid}` that is no text: write it as UTF-8")]
    SubjectNotText { oid: String },
    #[error("certification request has a control character in the subject attribute `{oid}`: leave it out")]
    ControlInSubject { oid: String },
    #[error("certification request has a control character in a subject alternative name: leave it out")]
    ControlInAltName,
    #[error(
        "certification request has a subject alternative name that is no ASCII: write names in punycode, and nothing else there"
    )]
    AltNameNotAscii,
    #[error(
        "certification request has an IP address of {bytes} bytes as subject alternative name: 4 or 16 are right"
    )]
    IpAddress { bytes: usize },
    #[error("certification request: {0}")]
    Key(#[from] UnfitKey),
    #[error("certification request has more than {NAMES_MAX} attributes: send fewer")]
    TooManyAttributes,
    #[error("certification request has the attribute `{oid}` twice: send it once")]
    DuplicateAttribute { oid: String },
    #[error("certification request has an attribute `{oid}` that cannot be read ({why}): make it again")]
    Attribute { oid: String, why: NotDer },
    #[error("certification request asks for more than {NAMES_MAX} extensions: ask for fewer")]
    TooManyExtensions,
    #[error("certification request asks for the extension `{oid}` twice: ask once")]
    DuplicateExtension { oid: String },
    #[error("certification request asks for an extension `{oid}` that cannot be read ({why}): make it again")]
    Extension { oid: String, why: NotDer },
    #[error(
        "certification request has a challenge password of more than {} bytes: send a shorter one",
        super::CHALLENGE_BYTES_MAX
    )]
    ChallengeTooLong,
    #[error(
        "certification request is signed with `{algorithm}`, a hash that can be forged: sign with SHA-256 or better"
    )]
    WeakHash { algorithm: &'static str },
    #[error(
        "certification request is signed with the algorithm `{oid}`, which does not verify with its public key: sign with SHA-256 or better by the key that is in the request"
    )]
    SignatureAlgorithm { oid: String },
    #[error(
        "certification request is not signed by the key that it contains: sign it with the private key of that public key"
    )]
    Signature,
}

impl From<Flaw> for CsrRefused {
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
