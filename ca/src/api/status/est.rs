//! Labels and credentials of EST that were not changed, and requests that were not decided.

use axum::http::StatusCode;

use super::{Code, UNAVAILABLE, store};
use crate::{EstChangeError, EstRequestError};

pub(super) fn code(error: &EstChangeError) -> Code {
    match error {
        EstChangeError::Field { .. } | EstChangeError::Anchor { .. } => {
            (StatusCode::BAD_REQUEST, "EstRefused")
        }
        EstChangeError::NoLabel(_) => (StatusCode::NOT_FOUND, "LabelNotFound"),
        EstChangeError::NoCredential(_) => (StatusCode::NOT_FOUND, "CredentialNotFound"),
        EstChangeError::NoAuthority(_) => (StatusCode::NOT_FOUND, "AuthorityNotFound"),
        EstChangeError::NoProfile(_) => (StatusCode::NOT_FOUND, "ProfileNotFound"),
        EstChangeError::UserTaken(_) => (StatusCode::CONFLICT, "CredentialExists"),
        EstChangeError::TooManyLabels => (StatusCode::CONFLICT, "TooManyLabels"),
        EstChangeError::TooManyCredentials => (StatusCode::CONFLICT, "TooManyCredentials"),
        EstChangeError::Record(_) => UNAVAILABLE,
    }
}

pub(super) fn request(error: &EstRequestError) -> Code {
    match error {
        EstRequestError::NotPending(_) => (StatusCode::NOT_FOUND, "EstRequestNotFound"),
        EstRequestError::Read(error) => store(error),
        EstRequestError::Record(_) => UNAVAILABLE,
    }
}
