//! Why it went as it went: every attempt's steps, kept under the tracking id that the device was told.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Transport;

mod pending;
mod service;
mod sql;

pub(crate) use pending::Traces;
pub(crate) use service::ReadError;

/// Steps of one attempt at the front door: a chain of ten against several authorities each stays below.
const STEPS_MAX: usize = 32;
/// What a device presents may be long, and thousands of traces wait in memory; people read the beginning.
const COMPARED_CHARACTERS_MAX: usize = 400;

/// A random UUID: it names an attempt and gives nothing away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackingId([u8; 16]);

/// One attempt, as `muster explain` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    pub tracking_id: TrackingId,
    /// As presented, like the two after it.
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
    /// Another registration of the same device came before its end, and goes on in its place.
    Superseded,
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

/// The steps so far; rules write into it what they compared.
#[derive(Debug)]
pub(crate) struct Steps {
    now: Timestamp,
    steps: Vec<Step>,
}

impl Steps {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { now, steps: Vec::with_capacity(8) }
    }

    pub(crate) fn passed(&mut self, step: &str, compared: impl fmt::Display) {
        self.push(step, compared, StepOutcome::Passed, None);
    }

    pub(crate) fn noted(&mut self, step: &str, compared: impl fmt::Display) {
        self.push(step, compared, StepOutcome::Noted, None);
    }

    pub(crate) fn failed(&mut self, step: &str, compared: impl fmt::Display, fix: impl fmt::Display) {
        self.push(step, compared, StepOutcome::Failed, Some(shortened(fix.to_string())));
    }

    /// An error whose text ends in what to do, after the last colon or comma.
    pub(crate) fn refused(&mut self, step: &str, error: impl fmt::Display) {
        let text = error.to_string();
        match text.rsplit_once(": ").or_else(|| text.rsplit_once(", ")) {
            Some((what, fix)) => self.failed(step, what, fix),
            None => self.push(step, text, StepOutcome::Failed, None),
        }
    }

    pub(crate) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    pub(crate) fn take(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    fn push(&mut self, step: &str, compared: impl fmt::Display, outcome: StepOutcome, fix: Option<String>) {
        if self.steps.len() < STEPS_MAX {
            self.steps.push(Step {
                step: step.to_owned(),
                compared: shortened(compared.to_string()),
                outcome,
                fix,
                at_us: self.now.as_microsecond(),
            });
        }
    }
}

fn shortened(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(COMPARED_CHARACTERS_MAX) {
        text.truncate(at);
        text.push('…');
    }
    text
}

impl TrackingId {
    pub fn random(entropy: &dyn Fn(&mut [u8])) -> Self {
        let mut bytes = [0; 16];
        entropy(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40; // version 4, random (RFC 9562 §5.4)
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// As [`fmt::Display`] writes it, with or without hyphens, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.trim().chars().filter(|c| *c != '-').collect();
        let bytes = hex::decode(digits).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }
}

impl fmt::Display for TrackingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = hex::encode(self.0);
        let (a, b, c, d, e) = (&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]);
        write!(f, "{a}-{b}-{c}-{d}-{e}")
    }
}

impl Serialize for TrackingId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TrackingId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("tracking id is not a UUID"))
    }
}
