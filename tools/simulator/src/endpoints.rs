//! `endpoints.json`, as `muster serve` writes it: all that a client must be told.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use muster_sas::ConnectionString;

use crate::{Dps, Endpoint, ServiceClient, Trust, TrustError};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    pub id_scope: String,
    pub ca_file: PathBuf,
    pub dps: DpsEntry,
    pub hubs: Vec<HubEntry>,
    pub ports: Ports,
    /// None of a server that has no authority to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<CaEntry>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaEntry {
    pub service_connection_string: String,
    pub est_url: String,
    pub http_url: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DpsEntry {
    pub host: String,
    pub service_connection_string: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HubEntry {
    pub name: String,
    pub host_name: String,
    pub owner_connection_string: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Ports {
    pub mqtts: u16,
    pub https: u16,
    pub amqps: u16,
}

impl Endpoints {
    pub fn read(path: &Path) -> Result<Endpoints, EndpointsError> {
        let text = std::fs::read(path)
            .map_err(|source| EndpointsError::Unreadable { path: path.to_owned(), source })?;
        serde_json::from_slice(&text)
            .map_err(|source| EndpointsError::Malformed { path: path.to_owned(), source })
    }

    pub fn trust(&self) -> Result<Trust, TrustError> {
        Trust::from_file(&self.ca_file)
    }

    /// The device side of the provisioning service over MQTT.
    pub fn dps(&self) -> Dps {
        let host = &self.dps.host;
        Dps {
            endpoint: Endpoint::new(address_of(host, self.ports.mqtts), host),
            scope: self.id_scope.clone(),
        }
    }

    /// The same over HTTPS.
    pub fn dps_https(&self) -> Dps {
        let host = &self.dps.host;
        Dps {
            endpoint: Endpoint::new(address_of(host, self.ports.https), host),
            scope: self.id_scope.clone(),
        }
    }

    /// A hub over MQTT, by the host name that the provisioning service handed out.
    pub fn hub(&self, host: &str) -> Endpoint {
        Endpoint::new(address_of(host, self.ports.mqtts), host)
    }

    pub fn dps_service(&self, trust: &Trust) -> Result<ServiceClient, EndpointsError> {
        self.service(&self.dps.service_connection_string, trust)
    }

    pub fn hub_service(&self, hub: &HubEntry, trust: &Trust) -> Result<ServiceClient, EndpointsError> {
        self.service(&hub.owner_connection_string, trust)
    }

    /// The certificate authority, where there is one.
    pub fn ca_service(&self, trust: &Trust) -> Result<ServiceClient, EndpointsError> {
        let reason = "the server has no authority to ask".to_owned();
        let ca = self.ca.as_ref().ok_or(EndpointsError::ConnectionString { reason })?;
        self.service(&ca.service_connection_string, trust)
    }

    fn service(&self, text: &str, trust: &Trust) -> Result<ServiceClient, EndpointsError> {
        let owner = ConnectionString::parse(text)
            .map_err(|reason| EndpointsError::ConnectionString { reason: reason.to_string() })?;
        let at = Endpoint::new(address_of(&owner.host_name, self.ports.https), &owner.host_name);
        Ok(ServiceClient::new(at, owner, trust.clone()))
    }
}

/// Where a host name is served: what it resolves to, else this machine, because a server under test has names of
/// its own that no resolver knows.
fn address_of(host: &str, port: u16) -> SocketAddr {
    let here = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    if let Ok(address) = host.parse::<IpAddr>() {
        return SocketAddr::new(address, port);
    }
    if host == "localhost" || host.ends_with(".localhost") || host.ends_with(".test") {
        return here;
    }
    (host, port).to_socket_addrs().ok().and_then(|mut found| found.next()).unwrap_or(here)
}

#[derive(Debug, Error)]
pub enum EndpointsError {
    #[error("cannot read `{}`: {source}; is the server ready?", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("`{}` is not an endpoints file: {source}", path.display())]
    Malformed { path: PathBuf, source: serde_json::Error },
    #[error("a connection string in the endpoints file is of no use: {reason}")]
    ConnectionString { reason: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{ "idScope": "0ne00000001", "caFile": "/data/ca.pem",
        "dps": { "host": "localhost", "serviceConnectionString": "HostName=localhost;SharedAccessKeyName=provisioningserviceowner;SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAA==" },
        "hubs": [ { "name": "hub-1", "hostName": "127.0.0.2", "ownerConnectionString": "HostName=127.0.0.2;SharedAccessKeyName=iothubowner;SharedAccessKey=AAAAAAAAAAAAAAAAAAAAAA==" } ],
        "ports": { "mqtts": 8883, "https": 8443, "amqps": 5671 } }"#;

    #[test]
    fn hosts_become_addresses_without_a_resolver() {
        let endpoints: Endpoints = serde_json::from_str(TEXT).unwrap();
        assert_eq!(endpoints.dps().endpoint.address.to_string(), "127.0.0.1:8883");
        assert_eq!(endpoints.dps_https().endpoint.address.to_string(), "127.0.0.1:8443");
        assert_eq!(endpoints.hub("127.0.0.2").address.to_string(), "127.0.0.2:8883");
        assert_eq!(endpoints.hub("hub-1.example.test").address.to_string(), "127.0.0.1:8883");
    }
}
