//! What the operator may choose, checked once: names, addresses, ports, hubs, limits.

mod error;
mod limits;
mod raw;
mod raw_ca;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use muster_ca::{BaseUrl, PassphraseSource, Pkcs11};
use muster_identity::{HostName, HubName};
use muster_sas::ConnectionString;

pub use error::ConfigError;
pub use limits::{Limits, Retention};

/// Azure links at most 50 hubs to one service (dps.md §9.4); so do we.
pub const HUBS_MAX: usize = 50;
/// The weights Azure accepts (dps.md §9.1).
pub const WEIGHT_MAX: u32 = 1000;
/// The C SDK ignores anything above (dps.md §2.2).
pub const RETRY_AFTER_MAX_S: u32 = 300;

/// Where plain HTTP is without a configuration: 80 is not every user's to take.
pub const HTTP_PORT: u16 = 8080;

/// The documented configuration that `muster config example` prints: every key with its default.
pub const EXAMPLE: &str = include_str!("example.toml");

#[derive(Debug, Clone)]
pub struct Config {
    /// Never empty.
    pub listen: Vec<IpAddr>,
    pub ports: Ports,
    pub dps: DpsConfig,
    pub ca: CaConfig,
    /// Never empty; names and hosts differ.
    pub hubs: Vec<HubConfig>,
    pub database: Database,
    pub limits: Limits,
    pub retention: Retention,
    /// What devices that poll too early are told to wait.
    pub retry_after_s: u32,
    /// A `tracing` filter: `info`, or `muster=debug,info`.
    pub log: String,
}

/// 0 lets the system choose; `endpoints.json` and [`crate::Running`] tell what it chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    pub mqtts: u16,
    pub https: u16,
    pub amqps: u16,
    /// CRLs, OCSP and the certificates of authorities: those who check a certificate have none to trust yet.
    pub http: u16,
}

#[derive(Debug, Clone)]
pub struct CaConfig {
    /// What certificates name, for CRLs and OCSP; without, the DPS host and the port of plain HTTP.
    pub base_url: Option<BaseUrl>,
    pub passphrase: PassphraseSource,
    pub pkcs11: Option<Pkcs11>,
}

#[derive(Debug, Clone)]
pub struct DpsConfig {
    pub host: HostName,
}

#[derive(Debug, Clone)]
pub struct HubConfig {
    pub name: HubName,
    pub host: HostName,
    /// Further names by which devices may call this hub.
    pub aliases: Vec<HostName>,
    pub weight: u32,
    pub place: Place,
}

/// Where a hub runs.
#[derive(Debug, Clone)]
pub enum Place {
    Here,
    /// Reached over its REST API; a real Azure IoT Hub will do.
    Elsewhere {
        connection: Arc<ConnectionString>,
        /// The only CA trusted there; without it, this server's own.
        ca_file: Option<PathBuf>,
        https_port: u16,
    },
}

#[derive(Debug, Clone)]
pub enum Database {
    Sqlite,
    Postgres(DatabaseUrl),
}

/// Holds a password, so it is never shown.
#[derive(Clone)]
pub struct DatabaseUrl(Zeroizing<String>);

impl DatabaseUrl {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseUrl(..)")
    }
}

impl Default for Config {
    /// What `muster serve` does without a file: names that resolve on a bare Linux machine.
    fn default() -> Self {
        Self::parse("").unwrap_or_else(|error| unreachable!("the defaults are valid: {error}"))
    }
}

impl Config {
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        raw::parse(text)
    }

    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// All ports chosen by the system: for tests and for `muster demo`.
    pub fn on_free_ports() -> Self {
        Self { ports: Ports { mqtts: 0, https: 0, amqps: 0, http: 0 }, ..Self::default() }
    }

    /// Where to listen: the configured addresses, and every host that is itself a loopback address
    /// (clients will dial it, and nobody else answers there).
    pub fn addresses(&self) -> Vec<IpAddr> {
        let mut addresses = self.listen.clone();
        for host in self.local_hosts() {
            let Ok(literal) = host.as_str().parse::<IpAddr>() else { continue };
            let everywhere = match literal {
                IpAddr::V4(_) => addresses.contains(&IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
                IpAddr::V6(_) => addresses.iter().any(|it| it.is_unspecified() && it.is_ipv6()),
            };
            if literal.is_loopback() && !everywhere && !addresses.contains(&literal) {
                addresses.push(literal);
            }
        }
        addresses
    }

    /// The names this process answers to.
    fn local_hosts(&self) -> impl Iterator<Item = &HostName> {
        let hubs = self.hubs.iter().filter(|hub| matches!(hub.place, Place::Here));
        std::iter::once(&self.dps.host)
            .chain(hubs.flat_map(|hub| std::iter::once(&hub.host).chain(&hub.aliases)))
    }
}
