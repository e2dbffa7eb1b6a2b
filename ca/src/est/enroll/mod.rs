//! Certificates asked for: a first one by a credential, another one by the one that is there.

mod service;

use std::{net::SocketAddr, sync::Arc};

use muster_store::WriteError;
use muster_x509::{ChainError, ChannelBinding, CsrRefused};
use zeroize::Zeroizing;

use super::{
    entrance::{Shown, SignInError},
    pop_link::Unlinked,
    trust::Nameless,
};
use crate::{CertificateReadError, IssueError, Issued, RenewError, Unidentified, keys::KeyError};

/// Who asks, as far as the connection and the request tell.
#[derive(Debug, Clone)]
pub(crate) struct Presented {
    pub(crate) from: Option<SocketAddr>,
    /// DER, leaf first; empty without a client certificate.
    pub(crate) chain: Arc<[Vec<u8>]>,
    pub(crate) shown: Option<Shown>,
    /// None where the connection has none, as by TLS 1.2.
    pub(crate) binding: Option<ChannelBinding>,
}

/// What is asked for (RFC 7030 sections 4.2 and 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Enroll,
    Reenroll,
    /// With a private key that is made here.
    EnrollWithKey,
}

/// What is answered.
pub(crate) struct Enrolled {
    pub(crate) issued: Issued,
    /// The private key, when it was made here: this is the only copy.
    pub(crate) pkcs8: Option<Zeroizing<Vec<u8>>>,
}

/// Why there is no certificate, or none yet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnrollError {
    #[error("label `{0}` is not there")]
    NoLabel(String),
    #[error("show user and password, a token, or the certificate of the device")]
    NobodyKnown,
    #[error(transparent)]
    SignIn(#[from] SignInError),
    #[error("show the certificate that is to be renewed as client certificate")]
    NoCertificate,
    #[error(transparent)]
    Certificate(Unidentified),
    #[error("client certificate is not issued here, and this label trusts no authority that it is from: {0}")]
    Untrusted(ChainError),
    #[error(transparent)]
    Nameless(#[from] Nameless),
    #[error(transparent)]
    Unlinked(#[from] Unlinked),
    #[error(
        "client certificate has the profile `{found}`, this label gives `{given}`: ask at the label it is from"
    )]
    OtherProfile { found: String, given: String },
    #[error(
        "client certificate is of authority `{found}`, this label gives those of `{given}`: ask at the label it is from"
    )]
    OtherAuthority { found: String, given: String },
    #[error(transparent)]
    Csr(#[from] CsrRefused),
    #[error(
        "request wants its private key encrypted (DecryptKeyIdentifier), which is not offered: leave that attribute out, and TLS alone protects the key"
    )]
    KeyEncryption,
    #[error("private key cannot be made: {0}")]
    Key(#[from] KeyError),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Renew(#[from] RenewError),
    #[error("token was used for another request: ask for another one")]
    TokenUsed,
    #[error(
        "certificate for this request was issued, and its private key was sent then and not kept: make another request"
    )]
    KeyGone,
    #[error("certificate that was issued for this request is not valid any more: make a new key pair")]
    Over,
    #[error("accepted, and waiting for somebody to approve it: ask again with the same request")]
    Pending { retry_after_s: u64 },
    #[error("request was denied: ask its operator")]
    Denied,
    #[error("too many requests wait to be approved: ask later")]
    TooManyPending,
    #[error("it is not recorded: {0}")]
    Record(#[from] WriteError),
    #[error(transparent)]
    Read(#[from] CertificateReadError),
}

impl EnrollError {
    /// Whether it says no and nobody has recorded that yet.
    fn is_unrecorded_decision(&self) -> bool {
        match self {
            Self::Certificate(_)
            | Self::Untrusted(_)
            | Self::Nameless(_)
            | Self::Unlinked(_)
            | Self::OtherProfile { .. }
            | Self::OtherAuthority { .. }
            | Self::Csr(_)
            | Self::KeyEncryption
            | Self::Over => true,
            // Recorded where they were decided.
            Self::SignIn(_)
            | Self::Issue(_)
            | Self::Renew(_)
            | Self::TokenUsed
            | Self::KeyGone
            | Self::Denied => false,
            // A question, not an attempt; or nothing decided.
            Self::NobodyKnown
            | Self::NoCertificate
            | Self::NoLabel(_)
            | Self::Pending { .. }
            | Self::TooManyPending
            | Self::Key(_)
            | Self::Record(_)
            | Self::Read(_) => false,
        }
    }
}
