//! Why it went as it went: every attempt's steps, kept under the tracking id that the device was told.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Transport;

/// A random UUID: it names an attempt and gives nothing away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackingId([u8; 16]);

/// One attempt, as `muster explain` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    pub tracking_id: String,
    pub id_scope: String,
    pub registration_id: String,
    pub transport: Transport,
    pub address: String,
    pub at: Timestamp,
    pub outcome: Outcome,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Accepted, and not yet at its end.
    Pending,
    Assigned,
    Disabled,
    Failed,
    Refused,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    pub step: String,
    /// What was compared with what.
    pub compared: String,
    pub outcome: StepOutcome,
    /// What the operator can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Microseconds since 1970.
    pub at_us: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepOutcome {
    Passed,
    Failed,
    /// Neither: a fact that later steps build on.
    Noted,
}

impl TrackingId {
    pub fn random(entropy: &dyn Fn(&mut [u8])) -> Self {
        let mut bytes = [0; 16];
        entropy(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40; // version 4, random (RFC 9562 §5.4)
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }
}

impl fmt::Display for TrackingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = hex::encode(self.0);
        let (a, b, c, d, e) = (&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]);
        write!(f, "{a}-{b}-{c}-{d}-{e}")
    }
}
