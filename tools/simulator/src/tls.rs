//! Whom the simulated devices believe, and how they reach a server.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::DeviceKey;

/// Sessions remembered when resumption is asked for; a device knows a handful of servers.
const SESSIONS_MAX: usize = 16;

/// A server: where to connect to, and the name its certificate must carry. On loopback they differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub address: SocketAddr,
    pub host: String,
}

impl Endpoint {
    pub fn new(address: SocketAddr, host: impl Into<String>) -> Self {
        Endpoint { address, host: host.into() }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.host, self.address)
    }
}

/// The authorities a client believes, in one TLS configuration that all clients share. Clone is cheap.
///
/// Resumption is off: a device that boots for the first time has no session to resume, and sessions kept in common
/// would let one device continue as another.
#[derive(Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
}

impl Trust {
    pub fn from_file(path: &Path) -> Result<Trust, TrustError> {
        let pem =
            std::fs::read(path).map_err(|source| TrustError::Unreadable { path: path.to_owned(), source })?;
        Trust::from_pem(&pem)
    }

    pub fn from_pem(pem: &[u8]) -> Result<Trust, TrustError> {
        Trust::build(pem, rustls::DEFAULT_VERSIONS)
    }

    /// Speaks TLS 1.2 only, as the Python SDK does.
    pub fn from_pem_tls12(pem: &[u8]) -> Result<Trust, TrustError> {
        Trust::build(pem, &[&rustls::version::TLS12])
    }

    fn build(pem: &[u8], versions: &[&'static SupportedProtocolVersion]) -> Result<Trust, TrustError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.map_err(TrustError::NotPem)?)?;
        }
        if roots.is_empty() {
            return Err(TrustError::Empty);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Trust { config: Arc::new(config) })
    }

    /// Remembers sessions, in a store of its own: give it to one device only.
    #[must_use]
    pub fn resuming(&self) -> Trust {
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
        Trust { config: Arc::new(config) }
    }

    /// The same trust, presenting this device's certificate where it has one.
    pub fn presenting(&self, credential: &DeviceKey) -> Result<Trust, TrustError> {
        let DeviceKey::X509 { chain, key } = credential else { return Ok(self.clone()) };
        let signing_key = self.config.crypto_provider().key_provider.load_private_key(key.clone_key())?;
        // Key and certificate are not compared: a device with another's certificate is one of the things to try.
        let certified = rustls::sign::CertifiedKey::new(chain.clone(), signing_key);
        let mut config = ClientConfig::clone(&self.config);
        config.client_auth_cert_resolver = Arc::new(rustls::sign::SingleCertAndKey::from(certified));
        Ok(Trust { config: Arc::new(config) })
    }

    pub fn client_config(&self) -> Arc<ClientConfig> {
        self.config.clone()
    }

    /// TCP, then a full handshake.
    pub async fn connect(&self, to: &Endpoint) -> Result<TlsStream<TcpStream>, ConnectError> {
        let tcp = reach(to).await?;
        self.handshake(to, tcp).await
    }

    pub async fn handshake(
        &self,
        to: &Endpoint,
        tcp: TcpStream,
    ) -> Result<TlsStream<TcpStream>, ConnectError> {
        let name = ServerName::try_from(to.host.clone())
            .map_err(|_| ConnectError::NotAName { host: to.host.clone() })?;
        TlsConnector::from(self.config.clone())
            .connect(name, tcp)
            .await
            .map_err(|source| ConnectError::Tls { to: to.clone(), source })
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust")
    }
}

/// A plain connection, without Nagle's delay.
pub(crate) async fn reach(to: &Endpoint) -> Result<TcpStream, ConnectError> {
    let tcp = TcpStream::connect(to.address)
        .await
        .map_err(|source| ConnectError::Unreachable { to: to.clone(), source })?;
    tcp.set_nodelay(true).map_err(|source| ConnectError::Unreachable { to: to.clone(), source })?;
    Ok(tcp)
}

#[derive(Debug, Error)]
pub enum TrustError {
    #[error("cannot read the authorities in `{}`: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the authorities are not PEM: {0}")]
    NotPem(rustls_pki_types::pem::Error),
    #[error("no certificate among the authorities")]
    Empty,
    #[error("the certificate or key is of no use: {0}")]
    Unusable(#[from] rustls::Error),
}

#[derive(Debug, Error)]
pub enum ConnectError {
    #[error("cannot reach {to}: {source}")]
    Unreachable { to: Endpoint, source: io::Error },
    #[error("`{host}` is no server name")]
    NotAName { host: String },
    #[error("no TLS with {to}: {source}")]
    Tls { to: Endpoint, source: io::Error },
}
