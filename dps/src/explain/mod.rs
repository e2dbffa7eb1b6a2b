//! Which enrollment would decide about a device, and why each other would not; nothing is written.

use serde::{Deserialize, Serialize};

use crate::{
    EnrollmentKind,
    enrollment::{Invalid, sql::UnreadableRow},
};

mod judge;
mod service;

/// The body of `POST /explain`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    pub registration_id: String,
    /// PEM or base64 DER, leaf first; one text may hold several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificate_chain: Vec<String>,
    /// The device would present a token instead.
    #[serde(default)]
    pub symmetric_key: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    pub registration_id: String,
    pub verdict: Verdict,
    /// One sentence for people.
    pub summary: String,
    /// In the order in which they are asked.
    pub considered: Vec<Considered>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Would be assigned.
    Admitted,
    /// The enrollment that decides is disabled, or the device is barred.
    Disabled,
    /// No enrollment takes it.
    Refused,
    /// Only the device's token can tell which of the symmetric-key groups it is.
    DependsOnKey,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Considered {
    pub kind: EnrollmentKind,
    pub id: String,
    pub matches: bool,
    pub why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ExplainError {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    Unreadable(#[from] UnreadableRow),
}
