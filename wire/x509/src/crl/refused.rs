//! Why a revocation list is refused, each reason with what to do about it.

use super::CRL_BYTES_MAX;
use crate::{NotDer, armour::Flaw};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrlRefused {
    #[error("revocation list is empty: give a CRL as DER or PEM")]
    Empty,
    #[error(
        "revocation list of {bytes} bytes is larger than the {CRL_BYTES_MAX} allowed: have its authority split it"
    )]
    TooLarge { bytes: usize },
    #[error("revocation list is neither DER nor base64: give a CRL as DER or PEM")]
    NotBase64,
    #[error("revocation list has a PEM block `{label}` where `X509 CRL` was expected: give the CRL")]
    Label { label: String },
    #[error("revocation list has no end of its PEM block, or more than one block: give one whole block")]
    PemBlock,
    #[error("revocation list is not DER ({0}): have its authority issue it again")]
    NotDer(#[from] NotDer),
    #[error(
        "revocation list is not of version 2 (RFC 5280 section 5.1.2.1): have its authority issue version 2"
    )]
    Version,
    #[error("revocation list names two signature algorithms: have its authority issue it again")]
    AlgorithmsDiffer,
    #[error("revocation list has an empty issuer: have its authority issue it again")]
    EmptyIssuer,
    #[error(
        "revocation list does not say when the next one comes (nextUpdate): have its authority issue it with that"
    )]
    NoNextUpdate,
    #[error("revocation list has no number (RFC 5280 section 5.2.3): have its authority issue it with one")]
    NoNumber,
    #[error(
        "revocation list has its number marked critical, which RFC 5280 forbids: have its authority issue it again"
    )]
    NumberCritical,
    #[error(
        "revocation list has a number that is negative or longer than 20 octets: have its authority issue it again"
    )]
    NumberUnsound,
    #[error(
        "revocation list does not say which key signed it (authorityKeyIdentifier, RFC 5280 section 5.2.1): have its authority issue it with that"
    )]
    NoKeyIdentifier,
    #[error("revocation list has the extension `{oid}` twice: have its authority issue it again")]
    DuplicateExtension { oid: String },
    #[error(
        "revocation list has an extension `{oid}` that cannot be read ({why}): have its authority issue it again"
    )]
    Extension { oid: String, why: NotDer },
    #[error(
        "revocation list has the critical extension `{oid}`, which is not understood here: delta lists (`2.5.29.27`) are not used, give a complete one"
    )]
    UnknownCriticalExtension { oid: String },
    #[error("revocation list is for certificates of other issuers too (indirectCRL): give a direct one")]
    Indirect,
    #[error("revocation list is for some reasons only (onlySomeReasons): give one for all reasons")]
    SomeReasons,
    #[error(
        "revocation list is limited by a name that is no URI (issuingDistributionPoint): give one that is not limited, or by a URI"
    )]
    ScopeWithoutUri,
    #[error(
        "revocation list is limited to users and to authorities at once: have its authority issue it again"
    )]
    ScopeContradicts,
    #[error(
        "revocation list has an entry with the critical extension `{oid}`, which is not understood here: give another list"
    )]
    EntryExtension { oid: String },
    #[error(
        "revocation list has an entry with reason {code}, which does not exist: have its authority issue it again"
    )]
    ReasonUnknown { code: u32 },
    #[error("revocation list is of `{issuer}`, not of `{authority}`: give the list of that authority")]
    OtherIssuer { issuer: String, authority: String },
    #[error(
        "revocation list was signed by another key of `{authority}` (its authorityKeyIdentifier differs): give the list of this key"
    )]
    OtherKey { authority: String },
    #[error(
        "revocation list is of `{authority}`, which may not sign lists (keyUsage without cRLSign): have the authority issued with cRLSign"
    )]
    NoCrlSign { authority: String },
    #[error("signature of the revocation list does not verify with the key of `{authority}`: fetch it again")]
    Signature { authority: String },
    #[error(
        "revocation list is signed with the algorithm `{oid}`, which is not accepted with the key of `{authority}`: have it signed with SHA-256 or better"
    )]
    SignatureAlgorithm { authority: String, oid: String },
}

impl From<Flaw> for CrlRefused {
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
