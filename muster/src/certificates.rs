//! The server certificates of this process: which names each has, and their renewal.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use muster_ca::{Ca, ServerCertificateError};

use crate::config::{Config, Place};
use crate::listen::{Addressee, Certificates, Named, TlsError};

/// The CA renews what runs out within weeks; a day is often enough to ask it.
const RENEWAL_INTERVAL: SignedDuration = SignedDuration::from_hours(24);

#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("no server certificate for `{host}`: {source}")]
    Issue { host: String, source: ServerCertificateError },
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Where this machine reaches what listens on an address.
pub(crate) fn dialled(address: &IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) if v4.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(v6) if v6.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => *other,
    }
}

/// Everyone this process answers for. DPS also has the addresses that are listened on, for clients that dial those; where that
/// is every address, this machine's own.
pub(crate) fn names(config: &Config) -> Vec<Named> {
    let mut all = vec![Named { addressee: Addressee::Dps, hosts: vec![config.dps.host.to_string()] }];
    let here = config.hubs.iter().filter(|hub| matches!(hub.place, Place::Here));
    for (position, hub) in here.enumerate() {
        let hosts = std::iter::once(&hub.host).chain(&hub.aliases).map(ToString::to_string).collect();
        all.push(Named { addressee: Addressee::Hub(position), hosts });
    }
    let free = |address: &String| all.iter().all(|named| !named.hosts.contains(address));
    let addresses: Vec<_> = config.listen.iter().map(|it| dialled(it).to_string()).filter(free).collect();
    all[0].hosts.extend(addresses);
    all
}

pub(crate) struct Renewal {
    pub(crate) ca: Arc<Ca>,
    pub(crate) names: Vec<Named>,
    pub(crate) certificates: Arc<Certificates>,
}

impl Renewal {
    /// Puts a certificate that is good for a while under every name.
    pub(crate) async fn renew(&self, now: Timestamp) -> Result<(), CertificateError> {
        let mut issued = Vec::new();
        for named in &self.names {
            let issue = self.ca.server_certificate(&named.hosts, now).await;
            let certificate = issue.map_err(|source| CertificateError::Issue {
                host: named.hosts.first().cloned().unwrap_or_default(),
                source,
            })?;
            issued.push((named.hosts.clone(), certificate));
        }
        Ok(self.certificates.replace(&issued)?)
    }

    /// Which host a client means that dials an address and names nobody: every host that is an address itself.
    pub(crate) fn hosts_by_address(&self) -> Vec<(IpAddr, String)> {
        let hosts = self.names.iter().flat_map(|named| &named.hosts);
        hosts.filter_map(|host| Some((host.parse().ok()?, host.clone()))).collect()
    }

    pub(crate) async fn tick(&self, now: Timestamp) -> Option<Timestamp> {
        if let Err(error) = self.renew(now).await {
            tracing::error!(%error, "server certificates were not renewed");
        }
        now.checked_add(RENEWAL_INTERVAL).ok()
    }
}
