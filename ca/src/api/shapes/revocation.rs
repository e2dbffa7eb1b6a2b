//! Revocations, sent and answered.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `POST /ca/revoke`: a certificate by its `serial` (and `authority`, should two have it), everything issued to a
/// `holder`, or an `authority` with everything below it. For good.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Revoke {
    pub serial: Option<String>,
    pub holder: Option<String>,
    pub authority: Option<String>,
    /// `unspecified` when it is not said, `keyCompromise`, `cACompromise`, `affiliationChanged`, `superseded`,
    /// `cessationOfOperation`, `privilegeWithdrawn`. A holder is barred for any but `superseded`.
    pub reason: Option<String>,
}

/// What is revoked, since when, and why: what was revoked before keeps its date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Revoked {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    #[serde(flatten)]
    pub revocation: Revocation,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    pub reason: &'static str,
    pub at: Timestamp,
}

/// `GET /ca/revocations/{serial}?authority=`: of one certificate, by itself, with its holder or with its authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub serial: String,
    pub authority: String,
    /// None while it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

/// `GET /ca/bars`, `GET /ca/bars/{holder}`: who gets no certificate until it is let in again, by `DELETE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bar {
    pub holder: String,
    #[serde(flatten)]
    pub revocation: Revocation,
}

/// `GET /ca/crls`: what anybody fetches from its `url`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Crl {
    pub authority: String,
    pub shard: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub number: u64,
    pub this_update: Timestamp,
    pub next_update: Timestamp,
    pub bytes: usize,
    /// How many certificates are on it.
    pub entries: usize,
}
