//! TLS: which certificate we show, and what we ask of a client's (possession of its key, nothing more).
//!
//! Whether a client certificate is trusted is decided at CONNECT or per request, from the stored enrollment or identity, never here:
//! a resumed session does not come by the verifier again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
};
use webpki::RawPublicKeyEntity;

use muster_ca::ServerCertificate;

/// Chains are looked at later, one by one; a longer one is not a device's (pki.md).
const PRESENTED_CERTIFICATES_MAX: usize = 10;
const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;
/// Resumption saves a device a signature; one ticket is what one reconnect uses.
const TICKETS: usize = 1;

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("TLS cannot be set up: {0}")]
    Rustls(#[from] Error),
    #[error("there is no server certificate for `{0}`")]
    NoCertificate(String),
}

/// The server certificates in use, by host name; replaced whole when they are renewed.
#[derive(Debug, Default)]
pub(crate) struct Certificates {
    by_host: RwLock<Arc<HashMap<String, Arc<CertifiedKey>>>>,
}

impl Certificates {
    pub(crate) fn replace(&self, issued: &[(Vec<String>, ServerCertificate)]) -> Result<(), TlsError> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let mut by_host = HashMap::new();
        for (hosts, certificate) in issued {
            let chain = certificate.chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certificate.key_pkcs8.as_slice()));
            let key = provider.key_provider.load_private_key(key.clone_key())?;
            let certified = Arc::new(CertifiedKey::new(chain, key));
            by_host.extend(hosts.iter().map(|host| (host.to_ascii_lowercase(), certified.clone())));
        }
        *self.by_host.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(by_host);
        Ok(())
    }

    fn find(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        self.by_host.read().unwrap_or_else(PoisonError::into_inner).get(host).cloned()
    }
}

/// By SNI; without (IP literals have none) or with a name that is not ours, the one of the address that was dialled: the client then
/// reads whom it has reached.
#[derive(Debug)]
struct Resolver {
    certificates: Arc<Certificates>,
    default_host: String,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        hello
            .server_name()
            .and_then(|name| self.certificates.find(&name.to_ascii_lowercase()))
            .or_else(|| self.certificates.find(&self.default_host))
    }
}

/// One TLS configuration for each address that is a host of its own, one for the rest.
pub(crate) struct Tls {
    by_address: HashMap<IpAddr, Arc<ServerConfig>>,
    default: Arc<ServerConfig>,
}

#[derive(Clone, Copy)]
pub(crate) enum Alpn {
    None,
    Http1,
}

impl Tls {
    pub(crate) fn new(
        certificates: &Arc<Certificates>,
        default_host: &str,
        by_address: &[(IpAddr, String)],
        alpn: Alpn,
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        // One for all, so that a ticket is good wherever its name is.
        let ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
        let make = |default_host: &str| {
            if certificates.find(default_host).is_none() {
                return Err(TlsError::NoCertificate(default_host.to_owned()));
            }
            let resolver =
                Resolver { certificates: certificates.clone(), default_host: default_host.to_owned() };
            let mut config = ServerConfig::builder_with_provider(provider.clone())
                .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
                .with_client_cert_verifier(Arc::new(KeyPossession(provider.clone())))
                .with_cert_resolver(Arc::new(resolver));
            config.ticketer = ticketer.clone();
            config.send_tls13_tickets = TICKETS;
            config.alpn_protocols = match alpn {
                Alpn::None => Vec::new(),
                // Some EST clients speak the old one, and say so.
                Alpn::Http1 => vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()],
            };
            Ok(Arc::new(config))
        };
        Ok(Self {
            by_address: by_address
                .iter()
                .map(|(address, host)| Ok((*address, make(host)?)))
                .collect::<Result<_, TlsError>>()?,
            default: make(default_host)?,
        })
    }

    pub(crate) fn at(&self, local: IpAddr) -> Arc<ServerConfig> {
        self.by_address.get(&local).unwrap_or(&self.default).clone()
    }
}

/// Takes any certificate that parses (also X.509 v1 and self-signed CA ones, which thumbprint devices use) from a client that has its key.
#[derive(Debug)]
struct KeyPossession(Arc<CryptoProvider>);

impl KeyPossession {
    fn verify(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
        algorithms_max: usize,
    ) -> Result<HandshakeSignatureValid, Error> {
        let certificate = muster_x509::Certificate::parse(certificate)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let spki = SubjectPublicKeyInfoDer::from(certificate.spki_der());
        let key = RawPublicKeyEntity::try_from(&spki)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let supported = self.0.signature_verification_algorithms.mapping;
        let algorithms =
            supported.iter().find(|(scheme, _)| *scheme == signed.scheme).map_or(&[][..], |it| it.1);
        let proven = algorithms
            .iter()
            .take(algorithms_max)
            .any(|algorithm| key.verify_signature(*algorithm, message, signed.signature()).is_ok());
        match proven {
            true => Ok(HandshakeSignatureValid::assertion()),
            false => Err(Error::InvalidCertificate(CertificateError::BadSignature)),
        }
    }
}

impl ClientCertVerifier for KeyPossession {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// Empty: devices then send whatever certificate they have.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let refuse = |why| Err(Error::InvalidCertificate(why));
        if intermediates.len() >= PRESENTED_CERTIFICATES_MAX
            || intermediates.iter().chain([end_entity]).any(|it| it.len() > CERTIFICATE_BYTES_MAX)
        {
            return refuse(CertificateError::ApplicationVerificationFailure);
        }
        match muster_x509::Certificate::parse(end_entity) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(_) => refuse(CertificateError::BadEncoding),
        }
    }

    /// In TLS 1.2 the scheme does not say which curve, so each one it may mean is tried.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify(message, certificate, signed, usize::MAX)
    }

    /// In TLS 1.3 it does: the first (RFC 8446 §4.2.3).
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let pkcs1 = [
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
        ];
        if pkcs1.contains(&signed.scheme) {
            return Err(Error::InvalidCertificate(CertificateError::BadSignature));
        }
        self.verify(message, certificate, signed, 1)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
