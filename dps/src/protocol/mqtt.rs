//! The device API over MQTT: user names, topics, payloads (dps.md §1).

use bytes::Bytes;
use muster_identity::RegistrationId;
use muster_mqtt::Publish;

use crate::{Answer, Ask};

/// The filter a device subscribes to for its answers; any other is refused.
pub const RESPONSE_FILTER: &str = "$dps/registrations/res/#";

/// What a user name says; nothing of it is proven yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    pub scope: String,
    pub registration_id: RegistrationId,
    pub api_version: String,
    pub client_version: Option<String>,
}

/// The device's name for its request: echoed verbatim, may repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rid(pub(crate) String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    #[error("user name is not `{{idScope}}/registrations/{{registrationId}}/api-version={{version}}`")]
    Form,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    #[error("topic `{0}` is none of the provisioning service, publish to `$dps/registrations/…`")]
    Topic(String),
}

/// Whether a user name is meant for the provisioning service rather than for a hub.
pub fn is_provisioning(username: &str) -> bool {
    username.split('/').nth(1).is_some_and(|second| second.eq_ignore_ascii_case("registrations"))
}

pub fn parse_username(username: &str) -> Result<Username, UsernameError> {
    let _ = username;
    Err(UsernameError::Form)
}

pub fn decode(publish: &Publish) -> Result<(Rid, Ask), Undecodable> {
    Err(Undecodable::Topic(publish.topic.to_string()))
}

pub fn encode(rid: &Rid, answer: &Answer) -> (String, Bytes) {
    (format!("$dps/registrations/res/{}/?$rid={}", answer.status, rid.0), Bytes::new())
}
