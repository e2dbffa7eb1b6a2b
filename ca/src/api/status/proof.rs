//! Proofs and exports that there are not.

use axum::http::StatusCode;

use super::{Code, INTERNAL, UNAVAILABLE, sign, store};
use crate::{ExportError, LogReadError, ProveError, SignCheckpointError};

pub(super) fn prove(error: &ProveError) -> Code {
    match error {
        ProveError::NoSuchCertificate(_) | ProveError::NotLogged { .. } => {
            (StatusCode::NOT_FOUND, "CertificateNotFound")
        }
        ProveError::NoSuchSize(_) => (StatusCode::BAD_REQUEST, "SizeRefused"),
        ProveError::Checkpoint(error) => checkpoint(error),
        ProveError::Read(error) => log(error),
    }
}

pub(super) fn checkpoint(error: &SignCheckpointError) -> Code {
    match error {
        SignCheckpointError::Key(_) | SignCheckpointError::KeyRef(_) | SignCheckpointError::OtherKey => {
            INTERNAL
        }
        SignCheckpointError::Sign(error) => sign(error),
        SignCheckpointError::Write(_) => UNAVAILABLE,
        SignCheckpointError::Read(error) => log(error),
    }
}

pub(super) fn export(error: &ExportError) -> Code {
    match error {
        ExportError::Read(error) => log(error),
        ExportError::Checkpoint(error) => checkpoint(error),
    }
}

pub(super) fn log(error: &LogReadError) -> Code {
    match error {
        LogReadError::Store(error) => store(error),
        LogReadError::NoHead | LogReadError::Damaged(_) => INTERNAL,
    }
}
