//! `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…`: how a back end is told where to go and as whom (hub-service.md §1.1).

use zeroize::Zeroizing;

use crate::{Key, KeyError};

/// A host name, a policy name and a key need some 450 bytes.
const CONNECTION_STRING_BYTES_MAX: usize = 1024;

const HOST_NAME: &str = "HostName";
const POLICY: &str = "SharedAccessKeyName";
const KEY: &str = "SharedAccessKey";

/// Debug shows host and policy; the key stays hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionString {
    pub host_name: String,
    pub policy: String,
    pub key: Key,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionStringError {
    #[error("the connection string has {bytes} bytes, at most {CONNECTION_STRING_BYTES_MAX} are read")]
    TooLong { bytes: usize },
    #[error("a part of the connection string is not of the form `name=value`")]
    NotAPair,
    #[error(
        "`{name}` does not belong into the connection string of a service, which has `{HOST_NAME}`, `{POLICY}` and `{KEY}`"
    )]
    Unknown { name: String },
    #[error("`{name}` is there twice, leave one")]
    Repeated { name: &'static str },
    #[error("`{name}` is missing, the form is `{HOST_NAME}=…;{POLICY}=…;{KEY}=…`")]
    Missing { name: &'static str },
    #[error("`{KEY}`: {0}")]
    Key(KeyError),
}

impl ConnectionString {
    pub fn parse(text: &str) -> Result<Self, ConnectionStringError> {
        if text.len() > CONNECTION_STRING_BYTES_MAX {
            return Err(ConnectionStringError::TooLong { bytes: text.len() });
        }
        let (mut host_name, mut policy, mut key) = (None, None, None);
        for part in text.trim().split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or(ConnectionStringError::NotAPair)?;
            let (name, slot) = if name.eq_ignore_ascii_case(HOST_NAME) {
                (HOST_NAME, &mut host_name)
            } else if name.eq_ignore_ascii_case(POLICY) {
                (POLICY, &mut policy)
            } else if name.eq_ignore_ascii_case(KEY) {
                (KEY, &mut key)
            } else {
                return Err(ConnectionStringError::Unknown { name: name.to_owned() });
            };
            if slot.replace(value).is_some() {
                return Err(ConnectionStringError::Repeated { name });
            }
        }
        Ok(Self {
            host_name: given(HOST_NAME, host_name)?.to_owned(),
            policy: given(POLICY, policy)?.to_owned(),
            key: Key::from_base64(given(KEY, key)?).map_err(ConnectionStringError::Key)?,
        })
    }

    /// Not a `Display`: it contains the key, and must not end up in a log line by way of a format string.
    pub fn to_text(&self) -> Zeroizing<String> {
        let Self { host_name, policy, key } = self;
        let key = key.to_base64();
        Zeroizing::new(format!("{HOST_NAME}={host_name};{POLICY}={policy};{KEY}={}", key.as_str()))
    }
}

fn given<'a>(name: &'static str, value: Option<&'a str>) -> Result<&'a str, ConnectionStringError> {
    value.filter(|value| !value.is_empty()).ok_or(ConnectionStringError::Missing { name })
}
