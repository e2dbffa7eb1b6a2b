//! Labels and credentials of EST that were not changed.

use axum::http::StatusCode;

use super::{Code, UNAVAILABLE};
use crate::EstChangeError;

pub(super) fn code(error: &EstChangeError) -> Code {
    match error {
        EstChangeError::Field { .. } => (StatusCode::BAD_REQUEST, "EstRefused"),
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
