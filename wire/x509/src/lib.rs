//! X.509 as devices send it: read leniently, describe, compare by thumbprint, lead a chain to an authority that is trusted.
//!
//! Reading a certificate accepts whatever parses, because a thumbprint needs no more than the bytes: version 1 certificates
//! are common in the field. [`Validation`] judges chains, and it is strict. Requests ([`Csr`]) and revocation lists ([`Crl`])
//! are strict from the first byte, for something is signed or refused because of them. No private key ever comes here.

mod armour;
mod certificate;
mod chain;
mod cms;
mod crl;
mod csr;
mod der;
mod description;
mod key;
mod name;
mod ocsp;
mod peer;
mod signature;
mod text;
mod thumbprint;
#[cfg(test)]
mod workshop;

pub use certificate::{CERTIFICATE_BYTES_MAX, Certificate, Malformed};
pub use chain::{
    ChainError, Missing, NotAnAuthority, PATH_DEPTH_MAX, PRESENTED_MAX, Place, Revocation, Rules, Usage,
    Validation, fit_to_anchor, verify,
};
pub use cms::{CERTIFICATES_MAX, CMS_BYTES_MAX, CmsRefused, certs_only, read_certs_only};
pub use crl::{
    CRL_BYTES_MAX, Crl, CrlRefused, IssuerAndSerial, IssuerId, Reason, Revoked, Scope, ScopeKind, VerifiedCrl,
};
pub use csr::{
    AltName, Attribute, BasicConstraints, CHALLENGE_BYTES_MAX, CSR_BYTES_MAX, ChallengePassword, Csr,
    CsrRefused, Extension, KeyUse, KeyUses, NAMES_MAX, Requested,
};
pub use der::NotDer;
pub use description::{Description, describe};
pub use key::{PublicKey, RSA_BITS_MAX, RSA_BITS_MIN, UnfitKey};
pub use name::push_rfc4514;
pub use ocsp::{
    CertId, Nonce, OCSP_CERTIFICATES_MAX, OCSP_NONCE_BYTES_MAX, OCSP_REQUEST_BYTES_MAX, OcspHash,
    OcspRefused, OcspRequest,
};
pub use peer::{ChannelBinding, Peer};
pub use signature::issued_by;
pub use text::{TEXT_BYTES_MAX, read_certificates, to_pem};
pub use thumbprint::{Thumbprint, ThumbprintError};
