//! A back end: the REST APIs of the provisioning service and of the hubs, every call with a token of its own.

pub(crate) mod dps;
mod hub;

use hyper::Method;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::Mutex;

use muster_sas::ConnectionString;

use crate::credential::unix_s;
use crate::https::{Answer, Call, Connection, HttpError};
use crate::{Endpoint, Trust};

pub use hub::{EventPage, LoggedEvent, Partition};

/// A token serves one call; the time is for a slow one.
const TOKEN_LIFETIME_S: i64 = 300;

const DPS_API_VERSION: &str = "2021-10-01";
const HUB_API_VERSION: &str = "2021-04-12";

/// One service, as the owner of a connection string sees it. Calls run one after the other.
pub struct ServiceClient {
    at: Endpoint,
    owner: ConnectionString,
    trust: Trust,
    connection: Mutex<Option<Connection>>,
}

impl ServiceClient {
    pub fn new(at: Endpoint, owner: ConnectionString, trust: Trust) -> ServiceClient {
        ServiceClient { at, owner, trust, connection: Mutex::new(None) }
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.at
    }

    /// Any call; the answer as it is, whatever its status.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, HttpError> {
        let expires_s = unix_s() + TOKEN_LIFETIME_S;
        let policy = Some(self.owner.policy.as_str());
        let token = muster_sas::sign(&self.owner.host_name, &self.owner.key, expires_s, policy);
        let mut all = vec![("authorization", token.as_str())];
        all.extend_from_slice(headers);
        let call = Call { method, path, headers: &all, body };

        let mut slot = self.connection.lock().await;
        // Taken out while in use: a connection that broke, or a caller that left, is not come back to.
        let mut connection = match slot.take() {
            Some(connection) if connection.is_open() => connection,
            _ => Connection::open(&self.at, &self.trust).await?,
        };
        let answer = connection.call(&self.at.host, &call).await?;
        *slot = Some(connection);
        Ok(answer)
    }

    /// The same, where anything but success is an error.
    async fn expect(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, ServiceError> {
        let answer = self.call(method.clone(), path, headers, body).await?;
        match answer.status {
            200..300 => Ok(answer),
            status => Err(ServiceError::Refused { method, path: path.to_owned(), status, body: answer.body }),
        }
    }
}

#[derive(Debug, Error)]
pub enum ServiceError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("{method} {path} was answered with {status}: {body}")]
    Refused { method: Method, path: String, status: u16, body: Value },
    #[error("{path}: the answer makes no sense: {what}")]
    Senseless { path: String, what: String },
}

impl ServiceError {
    pub fn status(&self) -> Option<u16> {
        match self {
            ServiceError::Refused { status, .. } => Some(*status),
            ServiceError::Http(_) | ServiceError::Senseless { .. } => None,
        }
    }
}

/// An id as a path segment: everything but letters, digits and `-._~` percent-encoded.
fn segment(id: &str) -> String {
    let mut segment = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => segment.push(byte.into()),
            byte => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn ids_are_percent_encoded_in_paths() {
        assert_eq!(segment("a-b.c_d~1"), "a-b.c_d~1");
        assert_eq!(segment("a:b/c%#"), "a%3Ab%2Fc%25%23");
    }
}
