//! `endpoints.json`: where the server is and how to get in, for people, scripts and tests.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::config::Ports;

/// The file's name in the data folder.
pub const FILE: &str = "endpoints.json";

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    pub id_scope: String,
    pub ca_file: PathBuf,
    pub dps: DpsEndpoint,
    pub ca: CaEndpoint,
    pub hubs: Vec<HubEndpoint>,
    pub ports: Ports,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DpsEndpoint {
    pub host: String,
    pub service_connection_string: Zeroizing<String>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CaEndpoint {
    /// For `/ca/…` on the DPS host.
    pub service_connection_string: Zeroizing<String>,
    /// Labels are below it.
    pub est_url: String,
    /// What certificates name: CRLs, OCSP, issuers.
    pub http_url: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HubEndpoint {
    pub name: String,
    pub host_name: String,
    pub owner_connection_string: Zeroizing<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum EndpointsError {
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("`{}` is not an endpoints file: {source}", path.display())]
    Malformed { path: PathBuf, source: serde_json::Error },
}

impl Endpoints {
    pub fn read(data: &Path) -> Result<Self, EndpointsError> {
        let path = data.join(FILE);
        let text = std::fs::read(&path)
            .map_err(|source| EndpointsError::Unreadable { path: path.clone(), source })?;
        serde_json::from_slice(&text).map_err(|source| EndpointsError::Malformed { path, source })
    }

    pub fn hub(&self, name_or_host: &str) -> Option<&HubEndpoint> {
        self.hubs.iter().find(|hub| {
            hub.name.eq_ignore_ascii_case(name_or_host) || hub.host_name.eq_ignore_ascii_case(name_or_host)
        })
    }
}

/// Connection strings are keys, so they are never shown.
impl std::fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hubs: Vec<_> = self.hubs.iter().map(|hub| &hub.host_name).collect();
        f.debug_struct("Endpoints")
            .field("id_scope", &self.id_scope)
            .field("dps", &self.dps.host)
            .field("ca", &self.ca.http_url)
            .field("hubs", &hubs)
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}
