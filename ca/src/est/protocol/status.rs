//! Every way an operation can end, as status and words (RFC 7030 sections 3.2.1, 4.2.3). Pure.

use axum::http::StatusCode;

use crate::{
    RenewError,
    api::{retry_issue_after_s, status_of_issue, status_of_renew},
    est::{enroll::EnrollError, entrance::SignInError},
};

#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("there is nothing at this path")]
    Path,
    #[error("use {allowed}")]
    Method { allowed: &'static str },
    #[error("send `Content-Type: application/pkcs10`")]
    ContentType,
    #[error("body has more than {max} bytes")]
    TooLarge { max: usize },
    #[error("body did not arrive whole")]
    Cut,
    #[error(transparent)]
    Enroll(#[from] EnrollError),
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Path | Self::Enroll(EnrollError::NoLabel(_)) => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Cut => StatusCode::BAD_REQUEST,
            Self::Enroll(error) => of(error),
        }
    }

    /// Whether showing who one is would help.
    pub(super) fn challenges(&self) -> bool {
        self.status() == StatusCode::UNAUTHORIZED
    }

    pub(super) fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Enroll(EnrollError::Pending { retry_after_s })
            | Self::Enroll(EnrollError::SignIn(SignInError::Wait { retry_after_s })) => Some(*retry_after_s),
            Self::Enroll(EnrollError::Issue(error) | EnrollError::Renew(RenewError::Issue(error)))
                if self.status() == StatusCode::TOO_MANY_REQUESTS =>
            {
                retry_issue_after_s(error)
            }
            Self::Enroll(_) if self.status() == StatusCode::SERVICE_UNAVAILABLE => Some(1),
            Self::Enroll(_)
            | Self::Path
            | Self::Method { .. }
            | Self::ContentType
            | Self::TooLarge { .. }
            | Self::Cut => None,
        }
    }

    /// One line; what is ours to know is not told to others.
    pub(super) fn text(&self) -> String {
        let text = match (self, self.status()) {
            (_, StatusCode::INTERNAL_SERVER_ERROR) => "something is wrong here: ask its operator".to_owned(),
            (_, StatusCode::SERVICE_UNAVAILABLE) => "no certificates at the moment: try again".to_owned(),
            // Whom it does trust stands in the record.
            (Self::Enroll(EnrollError::Untrusted(_)), _) => {
                "client certificate is of nobody whom this label trusts: ask its operator".to_owned()
            }
            _ => self.to_string(),
        };
        let line: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
        line + "\n"
    }
}

fn of(error: &EnrollError) -> StatusCode {
    match error {
        EnrollError::NoLabel(_) => StatusCode::NOT_FOUND,
        // Who has no certificate that helps may have a password.
        EnrollError::NobodyKnown
        | EnrollError::NoCertificate
        | EnrollError::Untrusted(_)
        | EnrollError::SignIn(SignInError::Wrong) => StatusCode::UNAUTHORIZED,
        EnrollError::SignIn(SignInError::Wait { .. }) => StatusCode::TOO_MANY_REQUESTS,
        EnrollError::SignIn(SignInError::OtherLabel)
        | EnrollError::Certificate(_)
        | EnrollError::Nameless(_)
        | EnrollError::Unlinked(_)
        | EnrollError::OtherProfile { .. }
        | EnrollError::OtherAuthority { .. }
        | EnrollError::TokenUsed
        | EnrollError::KeyGone
        | EnrollError::Over
        | EnrollError::Denied => StatusCode::FORBIDDEN,
        EnrollError::Csr(_) | EnrollError::KeyEncryption => StatusCode::BAD_REQUEST,
        EnrollError::Pending { .. } => StatusCode::ACCEPTED,
        EnrollError::TooManyPending | EnrollError::Record(_) => StatusCode::SERVICE_UNAVAILABLE,
        EnrollError::Issue(error) => in_est(status_of_issue(error)),
        EnrollError::Renew(error) => in_est(status_of_renew(error)),
        EnrollError::Read(_) | EnrollError::Key(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// EST has fewer statuses than the API: what is in the way of a request is forbidden, and what the label names and there
/// is not is ours to repair.
fn in_est(status: StatusCode) -> StatusCode {
    match status {
        StatusCode::CONFLICT => StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND => StatusCode::SERVICE_UNAVAILABLE,
        other => other,
    }
}
