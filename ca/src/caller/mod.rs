//! Who asks, as records name them.

mod grant;
mod quota;
mod rate;
mod service;
mod sql;

use std::{fmt, net::SocketAddr};

pub use grant::{Grant, GrantError, NotGranted, Quota, Rate};
pub use service::GrantChangeError;

pub(crate) use grant::Permit;
pub(crate) use quota::Reserved;
pub(crate) use rate::Rates;
pub(crate) use service::Grants;

/// Known by its credential; made by whoever checked that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose the credential is: the name of a policy, a user, a device.
    pub name: String,
    pub credential: Credential,
    pub from: Option<SocketAddr>,
}

/// What the caller showed; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// This process: first start, timers.
    Process,
    /// A token signed with the key of this shared access policy.
    AccessPolicy(String),
    /// A user and password of an EST label.
    EstUser { label: String, user: String },
    /// A token that was good for one enrollment.
    OneTimeToken { label: String, id: String },
    /// A client certificate, by its SHA-256 thumbprint.
    Certificate { sha256: String },
    /// The certificate that its manufacturer gave a device (IDevID), at an EST label that trusts it.
    Idevid { label: String, sha256: String },
    /// A device that attested to the provisioning service, by its registration id.
    Registration(String),
}

impl Caller {
    /// The server itself.
    pub fn process() -> Self {
        Self { name: "muster".to_owned(), credential: Credential::Process, from: None }
    }
}

impl Credential {
    /// What the permit that was made with it is kept by: all devices of a label have one.
    fn owner(&self) -> String {
        match self {
            Self::Idevid { label, .. } => idevids(label),
            Self::Process
            | Self::AccessPolicy(_)
            | Self::EstUser { .. }
            | Self::OneTimeToken { .. }
            | Self::Certificate { .. }
            | Self::Registration(_) => self.to_string(),
        }
    }
}

/// The beginning of all that are shown at a label.
pub(crate) fn idevids(label: &str) -> String {
    format!("idevid:{label}")
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process => write!(f, "process"),
            Self::AccessPolicy(name) => write!(f, "policy:{name}"),
            Self::EstUser { label, user } => write!(f, "est:{label}/{user}"),
            Self::OneTimeToken { label, id } => write!(f, "token:{label}/{id}"),
            Self::Certificate { sha256 } => write!(f, "certificate:{sha256}"),
            Self::Idevid { label, sha256 } => write!(f, "{}/{sha256}", idevids(label)),
            Self::Registration(id) => write!(f, "registration:{id}"),
        }
    }
}
