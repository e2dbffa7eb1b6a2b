//! Credentials of EST labels, sent and answered. Labels are [`crate::EstLabel`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::CredentialKind;

/// `POST /ca/est/credentials`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewEstCredential {
    /// Made with the defaults (the authority `issuing`, the profile `device`) when it is not there.
    pub label: String,
    /// Made up when it is not said.
    pub user: Option<String>,
    /// `basic` when it is not said, or `one-time`: good for one certificate.
    #[serde(default)]
    pub kind: CredentialKind,
    /// Patterns that every name asked for must fit one of; any name when there are none.
    #[serde(default)]
    pub names: Vec<String>,
    /// How many certificates in all.
    pub count: Option<u64>,
    pub until: Option<Timestamp>,
}

/// A credential; the password stands in the answer to its making, and nowhere else.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EstCredential {
    pub label: String,
    /// What a client is given: `https://host/.well-known/est/label`.
    pub url: String,
    pub user: String,
    /// A one-time token goes as a password, with this user or none, or as `Authorization: Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    pub kind: CredentialKind,
    pub names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How many it got, when it is good for so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    pub created: Timestamp,
}

/// `GET /ca/est/credentials?label=`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EstCredentials {
    pub label: Option<String>,
}

/// `GET /ca/est/requests?max=`: 100 when it is not said; the oldest ones.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EstRequests {
    pub max: Option<usize>,
}

/// A request that waits for `POST /ca/est/requests/{id}/approve`, or `…/deny`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EstRequest {
    pub id: String,
    pub label: String,
    /// By which credential, and whose.
    pub requested_by: String,
    pub subject: String,
    /// PKCS #10, PEM.
    pub csr: String,
    pub created: Timestamp,
}
