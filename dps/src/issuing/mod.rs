//! Certificates for devices that register with a request of their own (dps.md §6.1): asked for at registration, issued by the
//! worker before the hub has the device, told in the result.

mod refusal;
mod service;

use std::fmt;

use muster_ca::Issued;
use muster_identity::RegistrationId;
use muster_x509::Csr;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{enrollment::CredentialPolicy, reminder::told_in_twin};

pub(crate) use refusal::{CsrRefusal, NotIssued};
pub(crate) use service::Recipient;

/// What is to be issued. Part of the plan, so that whoever goes on after a crash asks for the same.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub(crate) authority: String,
    pub(crate) profile: String,
    /// base64 of its DER.
    csr: String,
}

/// What was issued, as the device is told: leaf, issuing authority, and so on to the root; each base64 of its DER.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Chain(Vec<String>);

/// A certificate on its way to a device.
#[derive(Debug)]
pub(crate) struct Certified {
    pub(crate) serial: [u8; 16],
    pub(crate) chain: Chain,
    /// What the twin is to say of it.
    pub(crate) desired: Map<String, Value>,
}

impl Order {
    /// Reads the request of a device that has proved itself: whoever has not is not worth a signature.
    pub(crate) fn read(
        sent: &str,
        id: &RegistrationId,
        policy: &CredentialPolicy,
    ) -> Result<Self, CsrRefusal> {
        let csr = Csr::parse(sent.as_bytes())?;
        match csr.common_name() {
            Some(name) if name == id.as_str() => {}
            found => return Err(CsrRefusal::CommonName { found: shown(found), id: id.clone() }),
        }
        Ok(Self {
            authority: policy.authority().to_string(),
            profile: policy.profile().to_owned(),
            csr: BASE64_STANDARD.encode(csr.der()),
        })
    }

    fn csr(&self) -> Result<Csr, CsrRefusal> {
        Ok(Csr::parse(self.csr.as_bytes())?)
    }
}

impl Chain {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn json(&self) -> Value {
        json!(self.0)
    }
}

impl Certified {
    fn new(issued: &Issued) -> Self {
        let all = std::iter::once(&issued.certificate).chain(&issued.chain);
        let chain = Chain(all.map(|certificate| BASE64_STANDARD.encode(certificate.der())).collect());
        Self { serial: issued.serial, chain, desired: told_in_twin(&issued.certificate) }
    }
}

/// A subject may be long, and anything.
fn shown(name: Option<&str>) -> String {
    const SHOWN_CHARACTERS_MAX: usize = 100;
    match name {
        None => "missing".to_owned(),
        Some(name) => {
            format!("`{}`", name.chars().take(SHOWN_CHARACTERS_MAX).collect::<String>().escape_debug())
        }
    }
}

/// A request may hold a challenge password, which is no business of a log.
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Order({}/{})", self.authority, self.profile)
    }
}
