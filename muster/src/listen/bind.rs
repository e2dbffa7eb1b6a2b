//! Binding the ports, with an error that says what to do.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

use crate::config::{Config, HTTP_PORT, Ports};

/// A burst of this many devices waits in the kernel rather than being turned away.
const BACKLOG: i32 = 4096;
/// Where HTTPS goes when 443 is not allowed.
const HTTPS_UNPRIVILEGED: u16 = 8443;
/// A free port on one address may be taken on the next one.
const FREE_PORT_ATTEMPTS: usize = 20;

/// Sockets that queue connections already, one a listen address.
pub(crate) struct Bound {
    pub(crate) mqtts: Vec<TcpListener>,
    pub(crate) https: Vec<TcpListener>,
    pub(crate) http: Vec<TcpListener>,
    /// As they turned out.
    pub(crate) ports: Ports,
    /// For the operator: what is not as configured.
    pub(crate) notices: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(
        "port {port} on {address} is in use (for {protocol}); stop what listens there (`ss -ltnp 'sport = :{port}'`), or set `ports = {{ {protocol} = … }}` in the configuration"
    )]
    Busy { protocol: &'static str, address: IpAddr, port: u16 },
    #[error(
        "port {port} is not allowed to this user (for {protocol}); set another in the configuration, or allow it: `sysctl net.ipv4.ip_unprivileged_port_start={port}`"
    )]
    NotAllowed { protocol: &'static str, port: u16 },
    #[error(
        "{address} is not an address of this machine; correct `listen`, or the host that is this address, in the configuration"
    )]
    NoSuchAddress { address: IpAddr },
    #[error("cannot listen on {address} port {port} (for {protocol}): {source}")]
    Other { protocol: &'static str, address: IpAddr, port: u16, source: io::Error },
}

impl Bound {
    pub(crate) fn bind(config: &Config) -> Result<Self, BindError> {
        let addresses = config.addresses();
        let mut notices = Vec::new();
        let mqtts = bind_all("mqtts", &addresses, config.ports.mqtts)?;
        let https = match bind_all("https", &addresses, config.ports.https) {
            Err(BindError::NotAllowed { port, .. }) if config.ports.https != HTTPS_UNPRIVILEGED => {
                notices.push(format!(
                    "port {port} is not allowed to this user, so HTTPS is on {HTTPS_UNPRIVILEGED}; stock SDKs that use HTTPS look for 443 only \
                     (allow it: sysctl net.ipv4.ip_unprivileged_port_start={port})"
                ));
                bind_all("https", &addresses, HTTPS_UNPRIVILEGED)?
            }
            other => other?,
        };
        let http = match bind_all("http", &addresses, config.ports.http) {
            // 8080 is many a program's. Whoever set no address for certificates tries things out, and may have any.
            Err(BindError::Busy { port: HTTP_PORT, .. }) if config.ca.base_url.is_none() => bind_all("http", &addresses, 0)
                .inspect(|free| {
                    notices.push(format!(
                        "port {HTTP_PORT} is in use, so plain HTTP (CRLs, OCSP) is on {}; certificates issued now point there \
                         (choose a port that stays: `ports = {{ http = … }}` in the configuration)",
                        port(free)
                    ));
                })?,
            other => other?,
        };
        let ports =
            Ports { mqtts: port(&mqtts), https: port(&https), amqps: config.ports.amqps, http: port(&http) };
        Ok(Self { mqtts, https, http, ports, notices })
    }
}

fn port(listeners: &[TcpListener]) -> u16 {
    listeners.first().and_then(|it| it.local_addr().ok()).map_or(0, |address| address.port())
}

/// The same port on every address: clients know one.
fn bind_all(protocol: &'static str, addresses: &[IpAddr], port: u16) -> Result<Vec<TcpListener>, BindError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match bind_each(protocol, addresses, port) {
            Err(BindError::Busy { .. }) if port == 0 && attempt < FREE_PORT_ATTEMPTS => {}
            outcome => return outcome,
        }
    }
}

fn bind_each(protocol: &'static str, addresses: &[IpAddr], port: u16) -> Result<Vec<TcpListener>, BindError> {
    let mut port = port;
    let mut listeners = Vec::new();
    for address in addresses {
        let listener = listen(SocketAddr::new(*address, port)).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::Busy { protocol, address: *address, port },
            io::ErrorKind::PermissionDenied => BindError::NotAllowed { protocol, port },
            io::ErrorKind::AddrNotAvailable => BindError::NoSuchAddress { address: *address },
            _ => BindError::Other { protocol, address: *address, port, source },
        })?;
        if let (0, Ok(bound)) = (port, listener.local_addr()) {
            port = bound.port();
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // After a restart, connections of the last run still linger on the port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn free_ports_are_the_same_on_every_address() {
        let bound = Bound::bind(&Config::on_free_ports()).unwrap();
        assert_eq!(bound.mqtts.len(), 3);
        assert!(bound.mqtts.iter().all(|it| it.local_addr().unwrap().port() == bound.ports.mqtts));
        assert_ne!(bound.ports.mqtts, bound.ports.https);
    }

    #[tokio::test]
    async fn a_busy_port_is_named_with_the_fix() {
        let first = Bound::bind(&Config::on_free_ports()).unwrap();
        let config = Config {
            ports: Ports { mqtts: first.ports.mqtts, ..Config::on_free_ports().ports },
            ..Config::on_free_ports()
        };
        let error = Bound::bind(&config).err().unwrap().to_string();
        assert!(error.contains(&format!("port {}", first.ports.mqtts)), "{error}");
        assert!(error.contains("ports = { mqtts = "), "{error}");
    }

    #[tokio::test]
    async fn plain_http_moves_off_a_busy_default_port_but_not_from_under_an_address_that_certificates_name() {
        let taken: Vec<_> = Config::default()
            .addresses()
            .into_iter()
            .filter_map(|address| std::net::TcpListener::bind((address, HTTP_PORT)).ok())
            .collect();
        let mut config = Config::on_free_ports();
        config.ports.http = HTTP_PORT; // taken by us, or by whoever kept us from it
        let bound = Bound::bind(&config).unwrap();
        assert_ne!(bound.ports.http, HTTP_PORT);
        assert!(bound.notices[0].contains(&bound.ports.http.to_string()), "{:?}", bound.notices);
        config.ca.base_url = Some(muster_ca::BaseUrl::parse("http://pki.example.test").unwrap());
        assert!(matches!(Bound::bind(&config), Err(BindError::Busy { protocol: "http", .. })));
        drop(taken);
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_told() {
        let config = Config { listen: vec!["192.0.2.1".parse().unwrap()], ..Config::on_free_ports() };
        assert!(matches!(Bound::bind(&config), Err(BindError::NoSuchAddress { .. })));
    }
}
