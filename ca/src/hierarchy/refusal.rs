//! Why authorities cannot be opened, made, activated or changed.

use jiff::Timestamp;

use muster_store::{StoreError, WriteError};
use muster_x509::Malformed;

use super::{AuthorityId, BuildError, NoSuchTransition, State, Unfit, subject::NameError};
use crate::{
    folder::FolderError,
    issuance::IssueError,
    keys::{KeyError, KeyKind, KeyRef, SignError},
};

/// Why the authority as a whole does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("records of the certificate authority cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Log(#[from] crate::log::ReadError),
    #[error(transparent)]
    Revocations(#[from] crate::revocation::RevocationReadError),
    #[error(transparent)]
    Responders(#[from] crate::ocsp::ResponderReadError),
    #[error("first authorities cannot be made: {0}")]
    First(#[from] Box<AuthorityError>),
    #[error("clock says {now}, which lies in the past: set it, then start again")]
    ClockNotSet { now: Timestamp },
    #[error(
        "certificate of authority `{authority}` is valid from {not_before}, but the clock says {now}: set the clock, then start again"
    )]
    ClockBehind { authority: AuthorityId, not_before: Timestamp, now: Timestamp },
    #[error(
        "certificate of root `{authority}` expired at {not_after}, now is {now}: start with a new data folder, and give clients the new root"
    )]
    RootExpired { authority: AuthorityId, not_after: Timestamp, now: Timestamp },
    #[error(
        "record of authority `{authority}` is damaged (column `{column}`): restore the database from a backup"
    )]
    Corrupt { authority: String, column: &'static str },
    #[error("private key of authority `{authority}` is not to be had: {source}")]
    KeyMissing { authority: AuthorityId, source: Box<SignError> },
    #[error(
        "private key `{key}` does not belong to the certificate of authority `{authority}`: restore database and keys from the same backup"
    )]
    NotAPair { authority: AuthorityId, key: KeyRef },
    #[error(
        "certificate of authority `{authority}` is not signed by its parent `{parent}`: restore the database from a backup"
    )]
    NotBelow { authority: AuthorityId, parent: AuthorityId },
    #[error("cannot open the authority: a thread of it ended early")]
    Interrupted,
}

/// Why an authority was not made, activated or changed.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("authority `{0}` is not there: `muster ca tree` shows those that are")]
    NotFound(AuthorityId),
    #[error("authority `{0}` is there already: choose another id")]
    Exists(AuthorityId),
    #[error("there are {0} authorities already, and no more are taken: use those")]
    TooMany(usize),
    #[error(transparent)]
    Transition(#[from] NoSuchTransition),
    #[error("authority `{id}` is {state}: only an active one signs")]
    NotActive { id: AuthorityId, state: State },
    #[error(
        "authority `{id}` is {state} and waits for no certificate: only one that was requested is activated"
    )]
    NotPending { id: AuthorityId, state: State },
    #[error("authority `{0}` is a root: its certificate is what clients trust, so make another root instead")]
    IsRoot(AuthorityId),
    #[error("private key of authority `{0}` is elsewhere: have it signed there, with a request")]
    KeyElsewhere(AuthorityId),
    #[error("certificate of authority `{id}` expired at {not_after}, now is {now}: renew it first")]
    Expired { id: AuthorityId, not_after: Timestamp, now: Timestamp },
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("life of {given_days} days is not one: ask for 1 to {max_days}")]
    Life { given_days: i64, max_days: i64 },
    #[error(
        "path length {asked} is more than authority `{parent}` allows below it ({allowed}): ask for less, or name another parent"
    )]
    PathLen { asked: u8, parent: AuthorityId, allowed: String },
    #[error("CRL shards of an authority are 1 to {max}, not {given}")]
    Shards { given: u16, max: u16 },
    #[error("keys of kind `{0}` are not taken for an authority that is signed elsewhere: use p256 or p384")]
    RequestKind(KeyKind),
    #[error("certificate text is not one: {0}")]
    Malformed(#[from] Malformed),
    #[error("{count} certificates were sent where one root was expected: send the root alone")]
    NotOneRoot { count: usize },
    #[error("certificate `{subject}` is not a root: send one that is an authority and signed by itself")]
    NotARoot { subject: String },
    #[error("root `{subject}` expired at {not_after}: nothing below it would be valid")]
    RootExpired { subject: String, not_after: Timestamp },
    #[error("certificate `{subject}` is that of authority `{id}` already")]
    AlreadyThere { subject: String, id: AuthorityId },
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Issue(#[from] Box<IssueError>),
    #[error("the authority is not recorded: {0}")]
    Write(#[from] WriteError),
}

impl From<IssueError> for AuthorityError {
    fn from(error: IssueError) -> Self {
        Self::Issue(Box::new(error))
    }
}

impl From<AuthorityError> for OpenError {
    fn from(error: AuthorityError) -> Self {
        match error {
            AuthorityError::Key(error) => Self::Key(error),
            error => Self::First(Box::new(error)),
        }
    }
}
