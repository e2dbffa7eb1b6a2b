//! Every way a service call can end, as status, code and words (dps.md §2.1, §7.2).

use jiff::Timestamp;
use muster_identity::{Denied, IdError};
use serde_json::json;

use super::call::Reply;
use crate::{
    TrackingId, certificate,
    enrollment::{self, EnrollmentKind, EtagUnreadable, Invalid, QueryError, instant, sql::UnreadableRow},
    explain::ExplainError,
    protocol::ApiVersionError,
    registration, trace,
};

#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("Not found")]
    Path,
    #[error("Method not allowed")]
    Method,
    #[error("Unauthorized")]
    Unauthorized,
    #[error("{0}")]
    Forbidden(Denied),
    #[error("{0}")]
    Id(IdError),
    #[error("{0}")]
    ApiVersion(ApiVersionError),
    #[error("{0}")]
    Etag(EtagUnreadable),
    #[error("the body is larger than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    #[error("{0}")]
    Invalid(#[from] Invalid),
    #[error("{0}")]
    Query(#[from] QueryError),
    #[error("header `{header}`: {problem}")]
    Header { header: &'static str, problem: String },
    #[error("{0}")]
    ReadEnrollment(#[from] enrollment::ReadError),
    #[error("{0}")]
    WriteEnrollment(#[from] enrollment::WriteError),
    #[error("{0}")]
    ReadRegistration(#[from] registration::ReadError),
    #[error("{0}")]
    RemoveRegistration(#[from] registration::RemoveError),
    #[error("{0}")]
    ReadCertificate(#[from] certificate::ReadError),
    #[error("{0}")]
    WriteCertificate(#[from] certificate::WriteError),
    #[error("{0}")]
    ReadTrace(#[from] trace::ReadError),
    #[error("{0}")]
    Explain(#[from] ExplainError),
    #[error("{0}")]
    Unreadable(#[from] UnreadableRow),
    /// The listener did not say who asks: a mistake of ours.
    #[error("Internal error")]
    NoPeer,
}

pub(super) fn reply(error: &ApiError, tracking: TrackingId, now: Timestamp) -> Reply {
    let code = code(error);
    let status = u16::try_from(code / 1000).unwrap_or(500);
    let message = if status == 500 {
        tracing::error!(%tracking, %error, "a service call failed");
        "Internal error".to_owned()
    } else {
        error.to_string()
    };
    let body = json!({
        "errorCode": code,
        "trackingId": tracking,
        "message": message,
        "timestampUtc": instant(now),
    });
    Reply::error(status, body).with("x-ms-error-code", code.to_string())
}

fn code(error: &ApiError) -> u32 {
    match error {
        ApiError::Path => 404_000,
        ApiError::Method => 405_000,
        ApiError::Unauthorized => 401_002,
        ApiError::Forbidden(_) => 403_000,
        ApiError::Id(_)
        | ApiError::ApiVersion(_)
        | ApiError::Etag(_)
        | ApiError::NotJson(_)
        | ApiError::Invalid(_)
        | ApiError::Query(_)
        | ApiError::Header { .. } => 400_004,
        ApiError::TooLarge { .. } => 413_000,
        ApiError::ReadEnrollment(error) => match error {
            enrollment::ReadError::NotFound { kind, .. } => not_found(*kind),
            enrollment::ReadError::Store(_) => 500_001,
        },
        ApiError::WriteEnrollment(error) => write_code(error),
        ApiError::ReadRegistration(error) => match error {
            registration::ReadError::NotFound { .. } => 404_203,
            registration::ReadError::Store(_) => 500_001,
        },
        ApiError::RemoveRegistration(error) => match error {
            registration::RemoveError::NotFound { .. } => 404_203,
            registration::RemoveError::Changed { .. } => 412_001,
            registration::RemoveError::Unreadable(_) | registration::RemoveError::Store(_) => 500_001,
        },
        ApiError::ReadCertificate(error) => match error {
            certificate::ReadError::NotFound { .. } => 404_204,
            certificate::ReadError::Store(_) => 500_001,
        },
        ApiError::WriteCertificate(error) => match error {
            certificate::WriteError::Invalid(_)
            | certificate::WriteError::Unconditional { .. }
            | certificate::WriteError::NotShown(_)
            | certificate::WriteError::Full { .. }
            | certificate::WriteError::TooManyFeeds => 400_004,
            certificate::WriteError::Exists { .. } | certificate::WriteError::InUse { .. } => 409_201,
            certificate::WriteError::NotFound { .. } => 404_204,
            certificate::WriteError::Changed { .. } => 412_001,
            certificate::WriteError::Unreadable(_) | certificate::WriteError::Store(_) => 500_001,
        },
        ApiError::ReadTrace(error) => match error {
            trace::ReadError::NotFound(_) => 404_205,
            trace::ReadError::Store(_) => 500_001,
        },
        ApiError::Explain(error) => match error {
            ExplainError::Invalid(_) => 400_004,
            ExplainError::Unreadable(_) => 500_001,
        },
        ApiError::Unreadable(_) | ApiError::NoPeer => 500_001,
    }
}

/// Whether somebody was told no, in contrast to what did not work.
pub(super) fn is_decision(error: &ApiError) -> bool {
    code(error) / 1000 != 500
}

/// Also what an item of a bulk call is told.
pub(super) fn write_code(error: &enrollment::WriteError) -> u32 {
    match error {
        enrollment::WriteError::Invalid(_) | enrollment::WriteError::Full => 400_004,
        enrollment::WriteError::Exists { .. } => 409_201,
        enrollment::WriteError::NotFound { kind, .. } => not_found(*kind),
        enrollment::WriteError::Changed { .. } => 412_001,
        enrollment::WriteError::Unreadable(_) | enrollment::WriteError::Store(_) => 500_001,
    }
}

fn not_found(kind: EnrollmentKind) -> u32 {
    match kind {
        EnrollmentKind::Individual => 404_201,
        EnrollmentKind::Group => 404_202,
    }
}
