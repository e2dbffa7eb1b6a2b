//! OCSP (RFC 6960, RFC 9919): whether one certificate is revoked, told by a responder of its own for each authority, so
//! that no authority's key signs what strangers ask for.
//!
//! `good` is said of what was issued here, and of nothing else: of a serial number that is not on record, and of an issuer
//! that is none of ours, the answer is `unauthorized`.

mod cache;
mod issuers;
mod responder;
mod response;
mod service;
mod sql;

use axum::body::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::public::Tag;

pub use responder::ResponderReadError;

pub(crate) use responder::Responders;
pub(crate) use service::Ocsp;

/// How long an answer may be shown to others, and so how late a revocation is seen by those who ask no better.
const ANSWER_LIFE: SignedDuration = SignedDuration::from_hours(4);
/// The same answer is given until half of its life.
const ANSWER_KEPT: SignedDuration = SignedDuration::from_hours(2);

/// What is answered to a request.
pub(crate) enum OcspAnswer {
    /// Also right for others who ask the same.
    Kept {
        der: Bytes,
        tag: Tag,
        expires: Timestamp,
    },
    /// For this request alone.
    Live(Bytes),
    Failed(Failure),
}

/// Answers that are not signed (RFC 6960 section 4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    MalformedRequest,
    InternalError,
    TryLater,
    Unauthorized,
}

impl Failure {
    pub(crate) fn der(self) -> [u8; 5] {
        let code = match self {
            Self::MalformedRequest => 1,
            Self::InternalError => 2,
            Self::TryLater => 3,
            Self::Unauthorized => 6,
        };
        // SEQUENCE { ENUMERATED code }
        [0x30, 3, 0x0a, 1, code]
    }
}

#[cfg(test)]
mod tests;
