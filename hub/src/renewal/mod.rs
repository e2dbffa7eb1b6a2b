//! A certificate renewed over the device's own connection (hub-device.md §2.6): the request read, passed to whoever issues, and
//! answered.

mod request;
mod service;

use std::{fmt, pin::Pin, sync::Arc};

use jiff::Timestamp;
use muster_identity::DeviceId;

use crate::Vouched;

pub(crate) use request::Request;

type Renewing = Pin<Box<dyn Future<Output = Result<Renewed, NotRenewed>> + Send>>;

/// Whoever issues certificates to the devices of a hub. The hub knows no authority: it is given this.
#[derive(Clone)]
pub struct Renewer(Arc<dyn Fn(Renewal) -> Renewing + Send + Sync>);

/// A device that is connected with a certificate wants another.
#[derive(Debug)]
pub struct Renewal {
    pub device: DeviceId,
    /// The one it is connected with.
    pub vouched: Vouched,
    /// base64 of a certification request, as it was sent.
    pub csr: String,
    /// The device's name for its request: asked for twice, it is answered twice with the same.
    pub rid: String,
    pub now: Timestamp,
}

#[derive(Debug)]
pub struct Renewed {
    /// Leaf first, to the root; DER.
    pub chain: Vec<Vec<u8>>,
}

/// Why whoever issues did not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRenewed {
    #[error("{0}")]
    Refused(String),
    #[error("{why}")]
    TooFast { why: String, retry_after_s: u64 },
    #[error("certificates cannot be issued now: {0}")]
    Unavailable(String),
}

/// Why a device is not given another certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenewalRefusal {
    #[error("body is not JSON: {0}")]
    NotJson(String),
    #[error("{0}")]
    Invalid(String),
    #[error("this hub issues no certificates; renew with whoever issued yours")]
    NoIssuer,
    #[error("device is not connected with a certificate of this server; register with a `csr` to get one")]
    NoCertificate,
    #[error("request `{0}` is not under way, so there is nothing to replace; leave `replace` out")]
    NothingToReplace(String),
    #[error("{0}")]
    Issuer(#[from] NotRenewed),
}

impl Renewer {
    pub fn new<F>(renew: impl Fn(Renewal) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Renewed, NotRenewed>> + Send + 'static,
    {
        Self(Arc::new(move |renewal| Box::pin(renew(renewal))))
    }

    fn renew(&self, renewal: Renewal) -> Renewing {
        (self.0)(renewal)
    }
}

impl fmt::Debug for Renewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewer")
    }
}

#[cfg(test)]
mod tests;
