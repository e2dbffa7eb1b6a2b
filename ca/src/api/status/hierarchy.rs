//! Authorities that were not made, activated or changed.

use axum::http::StatusCode;

use super::{Code, INTERNAL, UNAVAILABLE, issue, sign};
use crate::{AuthorityError, KeyError};

pub(super) fn code(error: &AuthorityError) -> Code {
    match error {
        AuthorityError::NotFound(_) => (StatusCode::NOT_FOUND, "AuthorityNotFound"),
        AuthorityError::Exists(_) | AuthorityError::AlreadyThere { .. } => {
            (StatusCode::CONFLICT, "AuthorityExists")
        }
        AuthorityError::TooMany(_) => (StatusCode::CONFLICT, "TooManyAuthorities"),
        AuthorityError::Transition(_) => (StatusCode::CONFLICT, "NoSuchTransition"),
        AuthorityError::NotActive { .. } => (StatusCode::CONFLICT, "AuthorityNotActive"),
        AuthorityError::NotPending { .. } => (StatusCode::CONFLICT, "AuthorityNotPending"),
        AuthorityError::IsRoot(_) => (StatusCode::CONFLICT, "AuthorityIsRoot"),
        AuthorityError::KeyElsewhere(_) => (StatusCode::CONFLICT, "AuthorityKeyElsewhere"),
        AuthorityError::Expired { .. } => (StatusCode::CONFLICT, "AuthorityUnfit"),
        AuthorityError::Name(_)
        | AuthorityError::Life { .. }
        | AuthorityError::PathLen { .. }
        | AuthorityError::Shards { .. }
        | AuthorityError::RequestKind(_) => (StatusCode::BAD_REQUEST, "AuthorityRefused"),
        AuthorityError::Malformed(_) => (StatusCode::BAD_REQUEST, "CertificateMalformed"),
        AuthorityError::NotOneRoot { .. }
        | AuthorityError::NotARoot { .. }
        | AuthorityError::RootExpired { .. }
        | AuthorityError::Unfit(_) => (StatusCode::BAD_REQUEST, "ChainUnfit"),
        AuthorityError::Key(error) => key(error),
        AuthorityError::Sign(error) => sign(error),
        AuthorityError::Build(_) => INTERNAL,
        AuthorityError::Issue(error) => issue(error),
        AuthorityError::Write(_) => UNAVAILABLE,
    }
}

fn key(error: &KeyError) -> Code {
    match error {
        KeyError::Exists(_) | KeyError::OtherKind { .. } => (StatusCode::CONFLICT, "KeyExists"),
        KeyError::NoToken => (StatusCode::CONFLICT, "NoToken"),
        KeyError::TooMany => (StatusCode::CONFLICT, "TooManyKeys"),
        KeyError::Use(error) => sign(error),
        KeyError::Make
        | KeyError::Damaged { .. }
        | KeyError::WrongPassphrase { .. }
        | KeyError::PassphraseMissing
        | KeyError::SealMissing { .. }
        | KeyError::NothingSealed { .. }
        | KeyError::Passphrase(_)
        | KeyError::Token(_)
        | KeyError::Folder(_) => INTERNAL,
    }
}
