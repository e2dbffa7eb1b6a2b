//! A line of an export, and how it is written. Pure.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{audit::Chained, log::Hash};

/// An entry's texts, spelled as JSON at their worst, or a certificate of 64 KiB in base64.
pub(crate) const LINE_BYTES_MAX: usize = 128 * 1024;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    #[error("it is longer than {LINE_BYTES_MAX} bytes")]
    Long,
    #[error("{0}")]
    Json(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Line {
    /// The first one.
    Log {
        /// The log's public key under its name, as a C2SP note's verifier wants it.
        key: String,
    },
    Entry(Box<EntryLine>),
    Certificate {
        index: u64,
        /// What the tree has for it.
        leaf: Hex,
        certificate: Base64,
    },
    Checkpoint {
        /// How many audit entries it covers.
        entries: u64,
        signed: Timestamp,
        note: String,
        audit_note: String,
    },
    End {
        entries: u64,
        certificates: u64,
    },
}

/// [`Chained`] as it is written; `audit/chain.rs` says what is hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryLine {
    sequence: u64,
    at: Timestamp,
    actor: String,
    credential: String,
    action: String,
    object: String,
    decision: String,
    reason: String,
    count: u64,
    request_sha256: Option<Hex>,
    certificate_sha256: Option<Hex>,
    pub(crate) log_index: Option<u64>,
    previous: Hex,
    hash: Hex,
}

/// 32 bytes, in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Hex(pub(crate) Hash);

/// Bytes, in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl Chained {
    /// In the words of an export.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(EntryLine::from(self.clone())).unwrap_or_default()
    }
}

impl Line {
    pub(crate) fn entry(entry: Chained) -> Self {
        Self::Entry(Box::new(entry.into()))
    }

    pub(crate) fn parse(text: &[u8]) -> Result<Self, LineError> {
        serde_json::from_slice(text).map_err(|error| LineError::Json(error.to_string()))
    }

    /// With its newline.
    pub(crate) fn write(&self, text: &mut Vec<u8>) {
        // Texts and numbers: nothing in them that JSON cannot say, and a Vec takes all.
        let _ = serde_json::to_writer(&mut *text, self);
        text.push(b'\n');
    }
}

impl From<Chained> for EntryLine {
    fn from(entry: Chained) -> Self {
        Self {
            sequence: entry.sequence,
            at: entry.at,
            actor: entry.actor,
            credential: entry.credential,
            action: entry.action,
            object: entry.object,
            decision: entry.decision,
            reason: entry.reason,
            count: entry.count,
            request_sha256: entry.request_sha256.map(Hex),
            certificate_sha256: entry.certificate_sha256.map(Hex),
            log_index: entry.log_index,
            previous: Hex(entry.previous),
            hash: Hex(entry.hash),
        }
    }
}

impl From<EntryLine> for Chained {
    fn from(line: EntryLine) -> Self {
        Self {
            sequence: line.sequence,
            at: line.at,
            actor: line.actor,
            credential: line.credential,
            action: line.action,
            object: line.object,
            decision: line.decision,
            reason: line.reason,
            count: line.count,
            request_sha256: line.request_sha256.map(|hex| hex.0),
            certificate_sha256: line.certificate_sha256.map(|hex| hex.0),
            log_index: line.log_index,
            previous: line.previous.0,
            hash: line.hash.0,
        }
    }
}

impl From<Hex> for String {
    fn from(hex: Hex) -> Self {
        hex::encode(hex.0)
    }
}

impl TryFrom<String> for Hex {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut hash = Hash::default();
        hex::decode_to_slice(text, &mut hash).map_err(|_| "a hash is not 64 hexadecimal digits")?;
        Ok(Self(hash))
    }
}

impl From<Base64> for String {
    fn from(bytes: Base64) -> Self {
        STANDARD.encode(bytes.0)
    }
}

impl TryFrom<String> for Base64 {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self).map_err(|_| "a certificate is not base64")
    }
}
