//! Certificates asked for: a first one by a credential, another one by the one that is there.

mod service;

use std::{net::SocketAddr, sync::Arc};

use muster_store::WriteError;
use muster_x509::CsrRefused;

use super::entrance::{Shown, SignInError};
use crate::{CertificateReadError, IssueError, RenewError, Unidentified};

/// Who asks, as far as the connection and the request tell.
#[derive(Debug, Clone)]
pub(crate) struct Presented {
    pub(crate) from: Option<SocketAddr>,
    /// DER, leaf first; empty without a client certificate.
    pub(crate) chain: Arc<[Vec<u8>]>,
    pub(crate) shown: Option<Shown>,
}

/// What is asked for (RFC 7030 section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Enroll,
    Reenroll,
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
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Renew(#[from] RenewError),
    #[error("token was used for another request: ask for another one")]
    TokenUsed,
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
            | Self::OtherProfile { .. }
            | Self::OtherAuthority { .. }
            | Self::Csr(_)
            | Self::Over => true,
            // Recorded where they were decided.
            Self::SignIn(_) | Self::Issue(_) | Self::Renew(_) | Self::TokenUsed | Self::Denied => false,
            // A question, not an attempt; or nothing decided.
            Self::NobodyKnown
            | Self::NoCertificate
            | Self::NoLabel(_)
            | Self::Pending { .. }
            | Self::TooManyPending
            | Self::Record(_)
            | Self::Read(_) => false,
        }
    }
}
