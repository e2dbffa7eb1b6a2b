//! Why labels and credentials are not changed.

use muster_store::WriteError;

use super::{CREDENTIALS_MAX, LABELS_MAX};

const SHOWN_CHARS_MAX: usize = 64;

#[derive(Debug, thiserror::Error)]
pub enum EstChangeError {
    #[error("field `{field}` has the value `{value}`: {fix}")]
    Field { field: &'static str, value: String, fix: &'static str },
    #[error("field `trust.anchors` has `{anchor}`, which cannot be trusted ({why}): {fix}")]
    Anchor { anchor: String, why: String, fix: &'static str },
    #[error("label `{0}` is not there: `muster ca est label list` shows those that are")]
    NoLabel(String),
    #[error("credential `{0}` is not there: `muster ca est credential list` shows those that are")]
    NoCredential(String),
    #[error("authority `{0}` is not there: `muster ca tree` shows those that are")]
    NoAuthority(String),
    #[error("profile `{0}` is not there: `muster ca profile list` shows those that are")]
    NoProfile(String),
    #[error("credential `{0}` is there already: choose another user, or none")]
    UserTaken(String),
    #[error("there are {LABELS_MAX} labels already: remove those of no use")]
    TooManyLabels,
    #[error("there are {CREDENTIALS_MAX} credentials already: remove those of no use")]
    TooManyCredentials,
    #[error("it is not recorded: {0}")]
    Record(#[from] WriteError),
}

impl EstChangeError {
    pub(super) fn field(field: &'static str, value: &str, fix: &'static str) -> Self {
        Self::Field { field, value: shown(value), fix }
    }

    pub(super) fn anchor(anchor: &str, why: String, fix: &'static str) -> Self {
        Self::Anchor { anchor: shown(anchor), why, fix }
    }
}

fn shown(value: &str) -> String {
    value.chars().filter(|char| !char.is_control()).take(SHOWN_CHARS_MAX).collect()
}
