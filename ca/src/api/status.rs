//! Every way a call can end, as status, code and words.

mod est;
mod hierarchy;
mod proof;
mod revocation;

use axum::http::StatusCode;

use muster_store::{StoreError, WriteError};
use muster_x509::{CsrRefused, Malformed};

use super::{lines::LineError, read::BODY_BYTES_MAX, shapes};
use crate::{
    AuthorityError, AuthorityId, AuthorityIdError, CertificateReadError, EstChangeError, EstRequestError,
    ExportError, GrantChangeError, IssueError, LogReadError, NotGranted, ProfileChangeError, ProveError,
    ReadmitError, Refused, RenewError, RevokeError, SignCheckpointError, SignError, UnknownKeyKind,
    UnknownReason,
};

#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("there is nothing at this path")]
    Path,
    #[error("this path does not take that method")]
    Method,
    /// Whoever mounted this did not say who asks: a mistake of ours.
    #[error("nobody knows who asks")]
    NoCaller,
    #[error("body has more than {BODY_BYTES_MAX} bytes: ask for fewer names")]
    TooLarge,
    #[error("body is not UTF-8")]
    NotText,
    #[error("JSON cannot be read: {0}")]
    Json(String),
    #[error("query cannot be read: {0}")]
    Query(String),
    #[error("header `{0}` is not ASCII")]
    Header(&'static str),
    #[error("serial number is not 32 hexadecimal digits")]
    Serial,
    #[error(
        "neither a serial number (32 hexadecimal digits) nor the SHA-256 of a certificate in DER (64): give one of them"
    )]
    SerialOrHash,
    #[error("a SHA-256 names one certificate, whoever issued it: leave `authority` out")]
    AuthorityOfHash,
    #[error("serial number of hardware is not hexadecimal")]
    HardwareSerial,
    #[error("hash of a key is not 64 hexadecimal digits: give the SHA-256 of its SubjectPublicKeyInfo")]
    KeyHash,
    #[error("there must be one certificate, the one to renew: send no chain")]
    OneCertificate,
    #[error("profile is missing: name it in the line, or once as `?profile=`")]
    ProfileMissing,
    #[error("{0}")]
    Line(LineError),
    #[error("certificate `{0}` is not there")]
    NoCertificate(String),
    #[error("profile `{0}` is not there")]
    NoProfile(String),
    #[error("key `{0}` is not blocked")]
    NoBlockedKey(String),
    #[error("authority `{0}` is not there: `muster ca tree` shows those that are")]
    NoAuthority(AuthorityId),
    #[error("holder `{0}` is not barred")]
    NotBarred(String),
    #[error(
        "say what to revoke: one of `serial` (of which `authority`, if two have it), `holder` or `authority`"
    )]
    RevokeOne,
    #[error("an authority that is signed elsewhere has its parent there: leave `parent` out")]
    ParentElsewhere,
    #[error(transparent)]
    KeyKind(#[from] UnknownKeyKind),
    #[error(transparent)]
    Reason(#[from] UnknownReason),
    #[error(transparent)]
    Authority(#[from] AuthorityIdError),
    #[error(transparent)]
    Csr(#[from] CsrRefused),
    #[error(transparent)]
    Certificate(#[from] Malformed),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Renew(#[from] RenewError),
    #[error(transparent)]
    Profile(#[from] ProfileChangeError),
    #[error(transparent)]
    Grant(#[from] GrantChangeError),
    #[error(transparent)]
    Read(#[from] CertificateReadError),
    #[error(transparent)]
    Hierarchy(#[from] AuthorityError),
    #[error(transparent)]
    Est(#[from] EstChangeError),
    #[error(transparent)]
    EstRequest(#[from] EstRequestError),
    #[error(transparent)]
    Revoke(#[from] RevokeError),
    #[error(transparent)]
    Readmit(#[from] ReadmitError),
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error(transparent)]
    Checkpoint(#[from] SignCheckpointError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Log(#[from] LogReadError),
    #[error("the audit log cannot be read: {0}")]
    Entries(#[from] StoreError),
    #[error("the logs are being read by others: ask again in a while")]
    BusyReading,
    #[error("it is not recorded: {0}")]
    Record(#[from] WriteError),
}

impl ApiError {
    /// What is ours to know is not told to others.
    pub(super) fn shape(&self, tracking_id: Option<String>) -> (StatusCode, shapes::Error) {
        let (status, error_code) = self.code();
        let message = match status {
            StatusCode::INTERNAL_SERVER_ERROR => "something is wrong here: ask its operator".to_owned(),
            _ => self.to_string(),
        };
        (status, shapes::Error { error_code, message, tracking_id })
    }

    pub(super) fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Issue(error) | Self::Renew(RenewError::Issue(error)) => retry_issue_after_s(error),
            Self::BusyReading => Some(READING_S),
            Self::Record(_)
            | Self::Profile(ProfileChangeError::Record(_))
            | Self::Grant(GrantChangeError::Record(_))
            | Self::Hierarchy(AuthorityError::Write(_))
            | Self::Est(EstChangeError::Record(_))
            | Self::EstRequest(EstRequestError::Record(_))
            | Self::Revoke(RevokeError::InProgress | RevokeError::Interrupted | RevokeError::Record(_))
            | Self::Readmit(ReadmitError::Interrupted | ReadmitError::Record(_)) => Some(1),
            _ => None,
        }
    }

    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Path => (StatusCode::NOT_FOUND, "PathNotFound"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
            Self::NoCaller => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
            Self::TooLarge | Self::Line(LineError::TooLong) => (StatusCode::PAYLOAD_TOO_LARGE, "TooLarge"),
            Self::NotText
            | Self::Json(_)
            | Self::Query(_)
            | Self::Header(_)
            | Self::Serial
            | Self::SerialOrHash
            | Self::AuthorityOfHash
            | Self::HardwareSerial
            | Self::KeyHash
            | Self::ProfileMissing
            | Self::Line(LineError::Cut)
            | Self::RevokeOne
            | Self::ParentElsewhere
            | Self::KeyKind(_)
            | Self::Reason(_)
            | Self::Authority(_) => (StatusCode::BAD_REQUEST, "Malformed"),
            Self::OneCertificate | Self::Certificate(_) => (StatusCode::BAD_REQUEST, "CertificateMalformed"),
            Self::Csr(_) => (StatusCode::BAD_REQUEST, "CsrRefused"),
            Self::NoCertificate(_) => (StatusCode::NOT_FOUND, "CertificateNotFound"),
            Self::NoProfile(_) => (StatusCode::NOT_FOUND, "ProfileNotFound"),
            Self::NoBlockedKey(_) => (StatusCode::NOT_FOUND, "KeyNotBlocked"),
            Self::NoAuthority(_) => (StatusCode::NOT_FOUND, "AuthorityNotFound"),
            Self::NotBarred(_) => (StatusCode::NOT_FOUND, "NotBarred"),
            Self::Issue(error) => issue(error),
            Self::Renew(error) => renew(error),
            Self::Profile(error) => profile(error),
            Self::Grant(error) => grant(error),
            Self::Read(error) => read(error),
            Self::Hierarchy(error) => hierarchy::code(error),
            Self::Est(error) => est::code(error),
            Self::EstRequest(error) => est::request(error),
            Self::Revoke(error) => revocation::revoke(error),
            Self::Readmit(error) => revocation::readmit(error),
            Self::Prove(error) => proof::prove(error),
            Self::Checkpoint(error) => proof::checkpoint(error),
            Self::Export(error) => proof::export(error),
            Self::Log(error) => proof::log(error),
            Self::Entries(error) => store(error),
            Self::BusyReading | Self::Record(_) => UNAVAILABLE,
        }
    }
}

/// The status alone, for other protocols than this one.
pub(crate) fn status_of_issue(error: &IssueError) -> StatusCode {
    issue(error).0
}

pub(crate) fn status_of_renew(error: &RenewError) -> StatusCode {
    renew(error).0
}

pub(crate) fn retry_issue_after_s(error: &IssueError) -> Option<u64> {
    match error {
        IssueError::NotGranted(NotGranted::Quota { retry_after_s, .. }) => *retry_after_s,
        IssueError::NotGranted(NotGranted::TooFast { retry_after_s, .. }) => Some(*retry_after_s),
        IssueError::InProgress | IssueError::Sign(SignError::Busy) | IssueError::Record(_) => Some(1),
        _ => None,
    }
}

type Code = (StatusCode, &'static str);

/// A log of some size is read in that.
const READING_S: u64 = 30;
const UNAVAILABLE: Code = (StatusCode::SERVICE_UNAVAILABLE, "Unavailable");
const INTERNAL: Code = (StatusCode::INTERNAL_SERVER_ERROR, "InternalError");

fn issue(error: &IssueError) -> Code {
    match error {
        IssueError::NoSuchAuthority(_) => (StatusCode::NOT_FOUND, "AuthorityNotFound"),
        IssueError::NotActive { .. } | IssueError::AuthorityRevoked { .. } => {
            (StatusCode::CONFLICT, "AuthorityNotActive")
        }
        IssueError::HolderRevoked { .. } => (StatusCode::FORBIDDEN, "HolderRevoked"),
        IssueError::HolderBarred { .. } => (StatusCode::FORBIDDEN, "HolderBarred"),
        IssueError::KeyElsewhere(_) => (StatusCode::CONFLICT, "AuthorityKeyElsewhere"),
        IssueError::NoSuchProfile(_) => (StatusCode::NOT_FOUND, "ProfileNotFound"),
        IssueError::NotGranted(error) => match error {
            NotGranted::NoGrant { .. } => (StatusCode::FORBIDDEN, "NotGranted"),
            NotGranted::Name { .. } => (StatusCode::FORBIDDEN, "NameNotGranted"),
            NotGranted::Ended { .. } => (StatusCode::FORBIDDEN, "GrantEnded"),
            NotGranted::Quota { .. } => (StatusCode::TOO_MANY_REQUESTS, "QuotaExceeded"),
            NotGranted::TooFast { .. } => (StatusCode::TOO_MANY_REQUESTS, "TooFast"),
        },
        IssueError::Refused(error) => refused(error),
        IssueError::KeyOfAuthority(_) | IssueError::KeyBlocked { .. } => {
            (StatusCode::BAD_REQUEST, "KeyRefused")
        }
        IssueError::KeyOfAnother { .. } => (StatusCode::CONFLICT, "KeyOfAnother"),
        IssueError::ClockWentBack { .. } => (StatusCode::SERVICE_UNAVAILABLE, "ClockWentBack"),
        IssueError::IdempotencyKeyReused(_) => (StatusCode::CONFLICT, "IdempotencyKeyReused"),
        IssueError::IdempotencyKeyMalformed(_) => (StatusCode::BAD_REQUEST, "Malformed"),
        IssueError::InProgress => (StatusCode::CONFLICT, "InProgress"),
        IssueError::Build(_) => INTERNAL,
        IssueError::Sign(error) => sign(error),
        IssueError::Record(_) => UNAVAILABLE,
        IssueError::Read(error) => read(error),
    }
}

fn sign(error: &SignError) -> Code {
    match error {
        SignError::Busy | SignError::Closed => UNAVAILABLE,
        SignError::Missing(_) | SignError::Failed { .. } => INTERNAL,
    }
}

fn read(error: &CertificateReadError) -> Code {
    match error {
        CertificateReadError::Store(error) => store(error),
        CertificateReadError::Damaged { .. } => INTERNAL,
    }
}

fn refused(error: &Refused) -> Code {
    match error {
        Refused::Missing { .. } | Refused::NoNames => (StatusCode::BAD_REQUEST, "FactMissing"),
        Refused::Fact { .. }
        | Refused::TooManyFacts { .. }
        | Refused::TooManyNames { .. }
        | Refused::Attribute { .. }
        | Refused::Name { .. }
        | Refused::HardwareKind { .. }
        | Refused::HardwareSerial { .. }
        | Refused::Holder { .. }
        | Refused::Generation { .. } => (StatusCode::BAD_REQUEST, "FactRefused"),
        Refused::OutOfScope { .. } => (StatusCode::FORBIDDEN, "NameOutOfScope"),
        Refused::KeyKind { .. } => (StatusCode::BAD_REQUEST, "KeyRefused"),
        Refused::OtherCommonName { .. }
        | Refused::AsksForAuthority
        | Refused::AsksForUsage { .. }
        | Refused::AsksForPurpose { .. }
        | Refused::AsksForExtension { .. }
        | Refused::AsksForMore { .. } => (StatusCode::BAD_REQUEST, "CsrRefused"),
        Refused::IssuerExpired { .. } | Refused::NoRoomBelow => (StatusCode::CONFLICT, "AuthorityUnfit"),
        Refused::EndInThePast { .. } | Refused::EndTooLate { .. } => (StatusCode::BAD_REQUEST, "EndRefused"),
        Refused::PastIssuer { .. } => (StatusCode::CONFLICT, "PastAuthority"),
        Refused::Lint(_) => (StatusCode::UNPROCESSABLE_ENTITY, "LintFailed"),
        Refused::Build(_) => INTERNAL,
    }
}

fn renew(error: &RenewError) -> Code {
    match error {
        RenewError::NotOurs { .. } => (StatusCode::NOT_FOUND, "CertificateNotFound"),
        RenewError::Revoked { .. } => (StatusCode::FORBIDDEN, "Revoked"),
        RenewError::NotRenewable { .. } => (StatusCode::FORBIDDEN, "NotRenewable"),
        RenewError::Expired { .. } | RenewError::ExpiredWithNewKey { .. } => {
            (StatusCode::FORBIDDEN, "Expired")
        }
        RenewError::NotYetValid { .. } => (StatusCode::FORBIDDEN, "NotYetValid"),
        RenewError::SameKey { .. } | RenewError::OtherKey { .. } => (StatusCode::BAD_REQUEST, "KeyRefused"),
        RenewError::OtherSubject { .. } | RenewError::OtherNames { .. } | RenewError::OtherHolder { .. } => {
            (StatusCode::FORBIDDEN, "OtherIdentity")
        }
        RenewError::Issue(error) => issue(error),
    }
}

fn profile(error: &ProfileChangeError) -> Code {
    match error {
        ProfileChangeError::Malformed(_) | ProfileChangeError::OtherName { .. } => {
            (StatusCode::BAD_REQUEST, "ProfileMalformed")
        }
        ProfileChangeError::NotFound(_) => (StatusCode::NOT_FOUND, "ProfileNotFound"),
        ProfileChangeError::TooMany | ProfileChangeError::TooManyVersions(_) => {
            (StatusCode::CONFLICT, "TooManyProfiles")
        }
        ProfileChangeError::Conflict(_) => (StatusCode::CONFLICT, "ProfileChanged"),
        ProfileChangeError::Record(_) => UNAVAILABLE,
    }
}

fn grant(error: &GrantChangeError) -> Code {
    match error {
        GrantChangeError::Malformed(_) => (StatusCode::BAD_REQUEST, "GrantMalformed"),
        GrantChangeError::TooMany => (StatusCode::CONFLICT, "TooManyGrants"),
        GrantChangeError::NotFound(_) => (StatusCode::NOT_FOUND, "GrantNotFound"),
        GrantChangeError::Record(_) => UNAVAILABLE,
    }
}

fn store(error: &StoreError) -> Code {
    match error {
        StoreError::Closed => UNAVAILABLE,
        StoreError::Open { .. }
        | StoreError::Migrate { .. }
        | StoreError::Statement(_)
        | StoreError::Column { .. } => INTERNAL,
    }
}
