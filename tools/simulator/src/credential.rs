//! What a device proves itself with, at the provisioning service and at its hub.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use muster_sas::Key;

/// A key it shares with the server, or a certificate with its private key.
pub enum DeviceKey {
    Symmetric {
        key: Key,
    },
    /// Leaf first, then the intermediates; the root stays at home.
    X509 {
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    },
}

impl DeviceKey {
    /// The MQTT password or HTTP authorization for `resource`; a certificate needs none.
    pub(crate) fn token(&self, resource: &str, lifetime_s: i64, policy: Option<&str>) -> Option<String> {
        match self {
            DeviceKey::Symmetric { key } => {
                Some(muster_sas::sign(resource, key, unix_s() + lifetime_s, policy))
            }
            DeviceKey::X509 { .. } => None,
        }
    }
}

impl Clone for DeviceKey {
    fn clone(&self) -> Self {
        match self {
            DeviceKey::Symmetric { key } => DeviceKey::Symmetric { key: key.clone() },
            DeviceKey::X509 { chain, key } => DeviceKey::X509 { chain: chain.clone(), key: key.clone_key() },
        }
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceKey::Symmetric { .. } => f.write_str("DeviceKey::Symmetric"),
            DeviceKey::X509 { chain, .. } => write!(f, "DeviceKey::X509({} certificates)", chain.len()),
        }
    }
}

pub(crate) fn unix_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}
