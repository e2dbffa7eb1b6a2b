//! What is sent and answered, as JSON. Instants are RFC 3339, certificates PEM.

mod est;
mod hierarchy;
mod proof;
mod revocation;

use std::{collections::BTreeMap, net::IpAddr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use est::{EstCredential, EstCredentials, EstRequest, EstRequests, NewEstCredential};
pub use hierarchy::{Authority, AuthorityRequest, Chain, NewAuthority, Node, Place, Renewal, Warning};
pub use proof::{AuditList, AuditPage, Checkpoint, Consistency, Sizes, Verifying};
pub use revocation::{Bar, Crl, Revocation, Revoke, Revoked, Status};

/// `POST /ca/sign`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sign {
    /// `issuing` when it is not said.
    pub authority: Option<String>,
    /// `device` when it is not said; `device@3` is that version.
    pub profile: Option<String>,
    /// PKCS #10, PEM or the base64 of DER.
    pub csr: String,
    #[serde(default)]
    pub subject: Subject,
    /// Whose it is: when it is not said, the common name (in lower case), or the serial number, of whoever is no authority.
    pub holder: Option<Holder>,
    /// Earlier than what the profile gives.
    pub not_after: Option<Timestamp>,
}

/// What is known of the subject; the profile says what of it stands in the certificate.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Subject {
    pub common_name: Option<String>,
    pub serial_number: Option<String>,
    pub organization: Option<String>,
    pub organizational_unit: Option<String>,
    pub dns_names: Vec<String>,
    pub ip_addresses: Vec<IpAddr>,
    pub uris: Vec<String>,
    pub hardware: Option<Hardware>,
    /// Facts that a profile of your own names.
    pub more: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hardware {
    /// An object identifier.
    pub r#type: String,
    /// Hexadecimal.
    pub serial: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holder {
    pub name: String,
    /// The one that it is in when it is not said: right but for those who must not make a revoked holder whole.
    pub generation: Option<String>,
}

/// `POST /ca/renew`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Renew {
    /// The old one, PEM or the base64 of DER.
    pub certificate: String,
    pub csr: String,
    /// Another than the one that issued the old certificate.
    pub authority: Option<String>,
    pub holder: Option<Holder>,
}

/// A certificate that was asked for: 201 when it is new, 200 when the same request was answered before.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// Hexadecimal.
    pub serial: String,
    pub profile: String,
    pub subject: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// When to renew it: two thirds into its life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew_after: Option<Timestamp>,
    /// Where it is in the transparency log.
    pub log_index: u64,
    pub certificate: String,
    /// Its authority's certificate, and so on to the root.
    pub chain: String,
    /// What of the request was left out, and what else is worth knowing.
    pub remarks: Vec<String>,
}

/// One line of `POST /ca/bulk`: what is not said is as `?authority=` and `?profile=` say.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkLine {
    /// The same id gets the same certificate, so that what was cut off is sent again whole.
    pub id: String,
    #[serde(flatten)]
    pub sign: BulkSign,
}

/// As [`Sign`]; more fields are not noticed in a line.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkSign {
    pub authority: Option<String>,
    pub profile: Option<String>,
    pub csr: String,
    #[serde(default)]
    pub subject: Subject,
    pub holder: Option<Holder>,
    pub not_after: Option<Timestamp>,
}

/// One line of the answer, in the order in which they are done.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkAnswer {
    /// Counted from 1.
    pub line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(flatten)]
    pub outcome: BulkOutcome,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum BulkOutcome {
    Issued(Box<Certificate>),
    Repeated(Box<Certificate>),
    Refused(Error),
}

/// A certificate as it is recorded.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    pub serial: String,
    pub authority: String,
    pub profile: String,
    /// `issued`; in `GET /ca/certificates/{serial}` also `recorded` (not signed yet) and `abandoned` (never signed).
    pub stage: &'static str,
    pub subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// By which credential, and whose.
    pub requested_by: String,
    pub recorded: Timestamp,
    pub not_after: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
    /// One alone has its bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// `GET /ca/certificates?authority=&profile=&holder=&commonName=&expiresBefore=&expiresAfter=&max=&continuation=`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct List {
    pub authority: Option<String>,
    pub profile: Option<String>,
    pub holder: Option<String>,
    pub common_name: Option<String>,
    pub expires_before: Option<Timestamp>,
    pub expires_after: Option<Timestamp>,
    /// 100 when it is not said, 1000 at most.
    pub max: Option<usize>,
    pub continuation: Option<u64>,
}

/// There may be fewer than asked for, or none, though there are more: then there is a continuation.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    pub certificates: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continuation: Option<u64>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    pub name: String,
    pub version: u32,
    pub title: String,
    /// Stands in its certificates.
    pub policy: String,
    /// TOML; one alone has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// `PUT /ca/profiles/{name}` takes this, or the TOML itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileText {
    pub source: String,
}

/// `PUT /ca/blocked-keys/{sha256}`: of the SubjectPublicKeyInfo.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Block {
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Error {
    /// For programs; does not change.
    pub error_code: &'static str,
    /// For people: what is wrong, why, what to do.
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_id: Option<String>,
}
