//! First boot: what a device asks of the provisioning service, and what comes of it.

mod https;
mod mqtt;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

use crate::{Endpoint, HttpError, OpenError, SessionError, TrustError};

pub use https::provision_https;
pub use mqtt::{provision, provision_on};

/// Clients wait two seconds when they are not told how long.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(2);

/// An eager device waits at most so many times its pause doubled.
const DOUBLINGS_MAX: u32 = 6;

/// The provisioning service, and the ID scope to name there.
#[derive(Clone, Debug)]
pub struct Dps {
    pub endpoint: Endpoint,
    pub scope: String,
}

#[derive(Clone, Debug)]
pub struct Options {
    pub polling: Polling,
    /// The whole boot, polls included.
    pub deadline: Duration,
    /// Custom data for the enrollment's allocation policy.
    pub payload: Option<Value>,
    /// Less than nothing makes an expired token.
    pub token_lifetime_s: i64,
    pub api_version: String,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            polling: Polling::AsTold,
            deadline: Duration::from_secs(60),
            payload: None,
            token_lifetime_s: 3600,
            api_version: "2019-03-31".to_owned(),
        }
    }
}

/// When to ask again while the service is still assigning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polling {
    /// As `retry-after` says.
    AsTold,
    /// After this pause, doubled each time: for measuring the server and not its patience.
    Eager { pause: Duration },
}

impl Polling {
    fn wait(self, retry_after_s: Option<u64>, polls: u32) -> Duration {
        match self {
            Polling::AsTold => retry_after_s.map_or(RETRY_AFTER_DEFAULT, Duration::from_secs),
            Polling::Eager { pause } => pause * 2_u32.pow(polls.min(DOUBLINGS_MAX)),
        }
    }
}

#[derive(Clone, Debug)]
pub enum Outcome {
    Assigned(Assigned),
    Refused(Refused),
}

impl Outcome {
    pub fn assigned(self) -> Result<Assigned, Refused> {
        match self {
            Outcome::Assigned(assigned) => Ok(assigned),
            Outcome::Refused(refused) => Err(refused),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Assigned {
    pub hub: String,
    pub device_id: String,
    pub substatus: Option<String>,
    pub operation_id: String,
    /// `registrationState` as it came.
    pub registration: Value,
    pub timings: Timings,
}

/// Who said no, and in what words.
#[derive(Clone, Debug)]
pub struct Refused {
    pub by: Refusal,
    /// HTTP-like; 0 when the connection itself was refused.
    pub status: u16,
    pub error_code: Option<u64>,
    pub message: String,
    pub tracking_id: Option<String>,
    pub operation_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The MQTT connection, by this CONNACK code.
    Connection(u8),
    /// A request, by an error status.
    Request,
    /// The registration ended `failed` or `disabled`.
    Registration,
}

/// How long each step of a first boot took, from the one before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// Over HTTPS it is part of `tls`.
    pub tcp: Duration,
    pub tls: Duration,
    /// CONNECT to CONNACK; nothing over HTTPS.
    pub connect: Duration,
    /// Register to its first answer.
    pub register: Duration,
    /// First answer to `assigned`, with the waits the service asked for.
    pub assign: Duration,
    /// How much of `assign` was waiting because `retry-after` said so.
    pub waited: Duration,
    pub polls: u32,
    pub total: Duration,
}

#[derive(Debug, Error)]
pub enum ProvisionError {
    #[error(transparent)]
    Credential(#[from] TrustError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the answer makes no sense: {what}")]
    Senseless { what: String },
    #[error("not assigned within {} s", after.as_secs())]
    Late { after: Duration },
}

/// One answer to register or poll, whatever transport it came by.
struct Reply {
    status: u16,
    retry_after_s: Option<u64>,
    body: Value,
}

enum Step {
    Wait { operation_id: String },
    Done(Box<Outcome>),
}

impl Reply {
    fn judge(self, timings: Timings) -> Result<Step, ProvisionError> {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let operation_id = text(&self.body, "operationId");
        if self.status >= 300 {
            return Ok(Step::Done(Box::new(Outcome::Refused(Refused {
                by: Refusal::Request,
                status: self.status,
                error_code: self.body.get("errorCode").and_then(Value::as_u64),
                message: text(&self.body, "message").unwrap_or_else(|| self.body.to_string()),
                tracking_id: text(&self.body, "trackingId"),
                operation_id,
            }))));
        }
        let senseless = || ProvisionError::Senseless { what: self.body.to_string() };
        let operation_id = operation_id.ok_or_else(senseless)?;
        let state = self.body.get("registrationState").unwrap_or(&Value::Null);
        match self.body.get("status").and_then(Value::as_str) {
            Some("assigning" | "unassigned") => Ok(Step::Wait { operation_id }),
            Some("assigned") => Ok(Step::Done(Box::new(Outcome::Assigned(Assigned {
                hub: text(state, "assignedHub").ok_or_else(senseless)?,
                device_id: text(state, "deviceId").ok_or_else(senseless)?,
                substatus: text(state, "substatus"),
                operation_id,
                registration: state.clone(),
                timings,
            })))),
            Some(ended @ ("failed" | "disabled")) => Ok(Step::Done(Box::new(Outcome::Refused(Refused {
                by: Refusal::Registration,
                status: self.status,
                error_code: state.get("errorCode").and_then(Value::as_u64),
                message: text(state, "errorMessage").unwrap_or_else(|| ended.to_owned()),
                tracking_id: text(&self.body, "trackingId"),
                operation_id: Some(operation_id),
            })))),
            _ => Err(senseless()),
        }
    }
}
