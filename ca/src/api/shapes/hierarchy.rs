//! Authorities, sent and answered.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `PUT /ca/authorities/{id}`: a new authority below `parent`, or a root without one. `POST …/{id}/request`: one that is
/// signed elsewhere, so without a `parent`. All of it may be left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewAuthority {
    pub parent: Option<String>,
    /// Made of the id and the key's fingerprint when it is not said.
    pub common_name: Option<String>,
    pub organization: Option<String>,
    /// `p256` when it is not said, `p384`, `ed25519`, `rsa2048`, `rsa3072`, `rsa4096`.
    pub key: Option<String>,
    /// Where its key is made.
    pub place: Place,
    pub life_days: Option<u16>,
    /// How many authorities may stand between it and a device's certificate.
    pub path_length: Option<u8>,
    /// 64 when it is not said; fixed for good.
    pub crl_shards: Option<u16>,
    pub renewal: Renewal,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In the sealed files of the data folder.
    #[default]
    File,
    /// In the PKCS#11 token of the configuration.
    Token,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Renewal {
    /// Its parent signs another certificate in time.
    Automatic,
    #[default]
    ByHand,
}

/// What `POST /ca/authorities/{id}/request` answers, and `GET` as long as it is pending.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorityRequest {
    pub id: String,
    /// PKCS #10, PEM: to be signed elsewhere.
    pub csr: String,
}

/// `POST /ca/authorities/{id}/activate`: its certificate, then its issuers up to the root, PEM. The root may be left out
/// when it was imported. `POST /ca/authorities/{id}/import`: one root.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Chain {
    pub chain: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Authority {
    pub id: String,
    /// None for a root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    pub state: &'static str,
    pub generation: u32,
    pub crl_shards: u16,
    /// Where its private key is, never what: none when it is elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    pub renewal: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// It runs out soon, or has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Warning>,
}

/// `GET /ca/tree`: the roots, each with what is below it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    #[serde(flatten)]
    pub authority: Authority,
    pub below: Vec<Node>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// `notice`, `warning`, `critical`, `expired`.
    pub urgency: &'static str,
    /// Negative when it is over.
    pub days_left: i64,
}
