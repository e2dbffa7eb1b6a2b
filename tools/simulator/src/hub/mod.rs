//! A device at its hub: telemetry with acknowledgements, twin, desired changes.

mod client;
mod topics;

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use thiserror::Error;

use muster_mqtt::Publish;

use crate::{DeviceKey, Endpoint, Hello, OpenError, SessionError, TrustError};

pub use client::HubClient;

/// How long a device waits for an answer or an acknowledgement before it gives the connection up.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Who connects.
#[derive(Clone, Debug)]
pub struct Device {
    pub id: String,
    pub module: Option<String>,
    pub credential: DeviceKey,
}

impl Device {
    pub fn new(id: impl Into<String>, credential: DeviceKey) -> Self {
        Device { id: id.into(), module: None, credential }
    }

    /// What this device says first to the hub `to` (hub-device.md §1.3).
    pub fn hello(&self, to: &Endpoint, options: &HubOptions) -> Hello {
        let (host, id) = (&to.host, &self.id);
        let (client_id, resource) = match &self.module {
            None => (id.clone(), format!("{host}/devices/{id}")),
            Some(module) => (format!("{id}/{module}"), format!("{host}/devices/{id}/modules/{module}")),
        };
        let mut username = format!("{host}/{client_id}/?api-version={}", options.api_version);
        if let Some(model) = &options.model_id {
            username.push_str("&model-id=");
            username.push_str(model);
        }
        Hello {
            client_id,
            username: Some(username),
            password: self.credential.token(&resource, options.token_lifetime_s, None).map(Bytes::from),
            clean_session: options.clean_session,
            keep_alive_s: options.keep_alive_s,
            will: options.will.clone(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct HubOptions {
    pub clean_session: bool,
    pub keep_alive_s: u16,
    /// Less than nothing makes an expired token.
    pub token_lifetime_s: i64,
    pub api_version: String,
    pub model_id: Option<String>,
    pub will: Option<Publish>,
    /// Messages sent and not yet acknowledged; `send` waits beyond.
    pub window: usize,
}

impl Default for HubOptions {
    fn default() -> Self {
        HubOptions {
            clean_session: true,
            keep_alive_s: 240,
            token_lifetime_s: 3600,
            api_version: "2021-04-12".to_owned(),
            model_id: None,
            will: None,
            window: 16,
        }
    }
}

/// What a device is given when it asks for its twin.
#[derive(Clone, Debug, PartialEq)]
pub struct Twin {
    pub desired: Value,
    pub reported: Value,
}

/// A change of desired properties, as it was announced.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    pub version: u64,
    pub patch: Value,
}

#[derive(Debug, Error)]
pub enum HubError {
    #[error(transparent)]
    Credential(#[from] TrustError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("the twin request was answered with {status}: {body}")]
    Twin { status: u16, body: Value },
    #[error("no {what} within {} s", ANSWER_WITHIN.as_secs())]
    Silent { what: &'static str },
    #[error("an answer makes no sense: {what}")]
    Senseless { what: String },
    #[error("a subscription was refused")]
    SubscriptionRefused,
}
