//! What was not revoked, and who was not readmitted.

use axum::http::StatusCode;

use super::{Code, INTERNAL, UNAVAILABLE, hierarchy, store};
use crate::{ReadmitError, RevocationReadError, RevokeError};

pub(super) fn revoke(error: &RevokeError) -> Code {
    match error {
        RevokeError::UnknownSerial { .. } => (StatusCode::NOT_FOUND, "CertificateNotFound"),
        RevokeError::OfAuthority { .. } => (StatusCode::CONFLICT, "CertificateOfAuthority"),
        RevokeError::UnknownHolder(_) => (StatusCode::NOT_FOUND, "HolderNotFound"),
        RevokeError::Authority(error) => hierarchy::code(error),
        RevokeError::InProgress => (StatusCode::CONFLICT, "InProgress"),
        RevokeError::Interrupted | RevokeError::Record(_) => UNAVAILABLE,
        RevokeError::Read(RevocationReadError::Store(error)) => store(error),
        RevokeError::Read(RevocationReadError::Damaged { .. }) => INTERNAL,
    }
}

pub(super) fn readmit(error: &ReadmitError) -> Code {
    match error {
        ReadmitError::NotBarred(_) => (StatusCode::NOT_FOUND, "NotBarred"),
        ReadmitError::Interrupted | ReadmitError::Record(_) => UNAVAILABLE,
    }
}
