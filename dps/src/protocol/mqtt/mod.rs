//! The device API over MQTT: user names, topics, payloads (dps.md §1).

use std::borrow::Cow;

use bytes::Bytes;
use muster_identity::{IdError, RegistrationId};
use muster_mqtt::Publish;
use percent_encoding::percent_decode_str;

use super::{ApiVersionError, api_version};
use crate::{Answer, Ask, OperationId};

#[cfg(test)]
mod tests;

/// The filter a device subscribes to for its answers; any other is refused.
pub const RESPONSE_FILTER: &str = "$dps/registrations/res/#";

const REGISTER: &str = "$dps/registrations/PUT/iotdps-register/";
const STATUS: &str = "$dps/registrations/GET/iotdps-get-operationstatus/";
/// SDKs send UUIDs or small numbers; it is echoed in a topic.
const RID_BYTES_MAX: usize = 256;

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
pub struct Rid(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    #[error(
        "the user name is not of the form `{{idScope}}/registrations/{{registrationId}}/api-version=…`: correct it"
    )]
    Form,
    #[error("the user name is not UTF-8 after percent-decoding: encode it as UTF-8")]
    NotUtf8,
    #[error("the user name's {0}: correct the registration id")]
    RegistrationId(#[from] IdError),
    #[error("the user name's {0}")]
    ApiVersion(#[from] ApiVersionError),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    #[error(
        "topic `{0}` is none of the provisioning service's, publish to `$dps/registrations/PUT/iotdps-register/?$rid=…`"
    )]
    Topic(String),
    #[error("topic `{0}` has no `$rid`, so there is nowhere to answer to")]
    NoRid(String),
    #[error("topic `{0}` has no `operationId`, give the one that the registration was answered with")]
    NoOperation(String),
}

/// Whether a user name is meant for the provisioning service rather than for a hub.
pub fn is_provisioning(username: &str) -> bool {
    username.split('/').nth(1).is_some_and(|second| second.eq_ignore_ascii_case("registrations"))
}

/// Whether a SUBSCRIBE may be granted; there is nothing else to receive here.
pub fn is_response_filter(filter: &str) -> bool {
    filter == RESPONSE_FILTER
}

/// `{scope}/registrations/{id}/api-version=…[&ClientVersion=…]`; values encoded or not, in any order, the client's version
/// anything at all (dps.md §1.1).
pub fn parse_username(username: &str) -> Result<Username, UsernameError> {
    let mut parts = username.splitn(4, '/');
    let (Some(scope), Some(literal), Some(id), Some(tail)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(UsernameError::Form);
    };
    if scope.is_empty() || !literal.eq_ignore_ascii_case("registrations") {
        return Err(UsernameError::Form);
    }
    let tail = tail.trim_start_matches('?');
    let value = |wanted: &str| {
        let mut pairs = tail.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    let version = value("api-version").map(decoded).transpose()?;
    Ok(Username {
        scope: decoded(scope)?.into_owned(),
        registration_id: RegistrationId::parse(&decoded(id)?)?,
        api_version: api_version(version.as_deref())?,
        client_version: value("ClientVersion")
            .map(|value| percent_decode_str(value).decode_utf8_lossy().into_owned()),
    })
}

pub fn decode(publish: &Publish) -> Result<(Rid, Ask), Undecodable> {
    let topic: &str = &publish.topic;
    let shown = || topic.chars().take(RID_BYTES_MAX).collect();
    let (verb, query) = topic.split_once('?').ok_or_else(|| Undecodable::Topic(shown()))?;
    let parameter = |wanted: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value).filter(|value| !value.is_empty())
    };
    let rid = || {
        let rid = parameter("$rid").filter(|rid| rid.len() <= RID_BYTES_MAX);
        rid.map(|rid| Rid(rid.to_owned())).ok_or_else(|| Undecodable::NoRid(shown()))
    };
    match verb {
        REGISTER => Ok((rid()?, Ask::Register { force: false, body: publish.payload.clone() })),
        STATUS => {
            let operation = parameter("operationId").ok_or_else(|| Undecodable::NoOperation(shown()))?;
            let operation = percent_decode_str(operation).decode_utf8_lossy();
            Ok((rid()?, Ask::Status { operation_id: OperationId::new(operation) }))
        }
        _ => Err(Undecodable::Topic(shown())),
    }
}

/// `$rid` first, one `$`, `retry-after` in lower case: each SDK's parser insists on one of these (dps.md §1.4).
pub fn encode(rid: &Rid, answer: &Answer) -> (String, Bytes) {
    let mut topic = format!("$dps/registrations/res/{}/?$rid={}", answer.status, rid.0);
    if let Some(retry_after_s) = answer.retry_after_s {
        topic.push_str(&format!("&retry-after={retry_after_s}"));
    }
    (topic, Bytes::from(answer.body.to_string()))
}

fn decoded(text: &str) -> Result<Cow<'_, str>, UsernameError> {
    percent_decode_str(text).decode_utf8().map_err(|_| UsernameError::NotUtf8)
}
