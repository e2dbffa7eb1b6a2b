//! A small HTTPS client for the service APIs: SAS-signed, one CA to trust, connections kept open.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use muster_sas::{ConnectionString, sign};

/// Connect, ask and read the answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Idle connections kept for the next calls.
const IDLE_MAX: usize = 8;
/// The largest answer is a page of 1,000 twins of 40 KB.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A stream that says nothing for so long has ended, and nobody told.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const TOKEN_LIFETIME_S: i64 = 3600;
/// What an id may have unencoded in a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("cannot read the CA file `{}`: {reason}", path.display())]
    CaFile { path: PathBuf, reason: String },
    #[error("`{0}` is not a host name")]
    Host(String),
    #[error("cannot reach {host}:{port}: {source}")]
    Connect { host: String, port: u16, source: io::Error },
    #[error("{host} cannot be trusted: {source}")]
    Tls { host: String, source: io::Error },
    #[error("{host} did not answer within {} s", limit.as_secs())]
    Timeout { host: String, limit: Duration },
    #[error("the connection to {host} broke: {reason}")]
    Broken { host: String, reason: String },
    #[error("what {host} sends cannot be kept: {source}")]
    Keep { host: String, source: io::Error },
}

/// Takes what is received, part after part.
pub(crate) type Sink<'a> = &'a mut (dyn FnMut(&[u8]) -> io::Result<()> + Send);

pub(crate) struct Client {
    connection: Arc<ConnectionString>,
    port: u16,
    /// Where to dial when the name does not resolve: a server on this machine is reached all the same.
    fallback: Vec<IpAddr>,
    tls: TlsConnector,
    idle: Mutex<Vec<Open>>,
}

/// An open connection: requests go in by one, and move only while the other is polled.
struct Open {
    sender: SendRequest<Full<Bytes>>,
    driver: Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A call to be made. Paths are encoded already, see [`segment`].
#[derive(Clone, Default)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Payload>,
}

#[derive(Clone)]
pub(crate) enum Payload {
    Json(Value),
    Text { content_type: &'static str, text: Bytes },
}

impl Call {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: None }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(Payload::Json(body));
        self
    }

    pub(crate) fn text(mut self, content_type: &'static str, text: impl Into<Bytes>) -> Self {
        self.body = Some(Payload::Text { content_type, text: text.into() });
        self
    }
}

/// An id as one segment of a path.
pub(crate) fn segment(id: &str) -> String {
    utf8_percent_encode(id, SEGMENT).to_string()
}

impl Client {
    pub(crate) fn new(
        connection: Arc<ConnectionString>,
        port: u16,
        ca_file: &Path,
        fallback: Vec<IpAddr>,
    ) -> Result<Self, ClientError> {
        let bad = |reason: String| ClientError::CaFile { path: ca_file.to_owned(), reason };
        let text = std::fs::read_to_string(ca_file).map_err(|error| bad(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        for certificate in muster_x509::read_certificates(&text).map_err(|error| bad(error.to_string()))? {
            // A bundle may hold roots that webpki does not take; those it does are enough.
            let _ = roots.add(CertificateDer::from(certificate.der().to_vec()));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| bad(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { connection, port, fallback, tls: Arc::new(config).into(), idle: Mutex::new(Vec::new()) })
    }

    pub(crate) fn host(&self) -> &str {
        &self.connection.host_name
    }

    pub(crate) async fn call(&self, call: &Call) -> Result<Answer, ClientError> {
        let calling = async {
            // A kept connection may have been closed meanwhile, which only asking tells.
            if let Some(open) = self.take_idle()
                && let Ok(answer) = self.exchange(open, call, None).await
            {
                return Ok(answer);
            }
            let open = self.connect().await?;
            self.exchange(open, call, None).await
        };
        self.within(CALL_TIMEOUT, calling).await?
    }

    /// A call with an answer of any length and duration: a good one goes into `sink` as it comes.
    pub(crate) async fn stream(&self, call: &Call, sink: Sink<'_>) -> Result<Answer, ClientError> {
        let open = self.within(CALL_TIMEOUT, self.connect()).await??;
        self.exchange(open, call, Some(sink)).await
    }

    async fn within<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Result<T, ClientError> {
        let late = |_| ClientError::Timeout { host: self.host().to_owned(), limit };
        tokio::time::timeout(limit, future).await.map_err(late)
    }

    fn take_idle(&self) -> Option<Open> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put_idle(&self, open: Open) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX && !open.sender.is_closed() {
            idle.push(open);
        }
    }

    async fn connect(&self) -> Result<Open, ClientError> {
        let host = self.host().to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| ClientError::Host(host.clone()))?;
        let port = self.port;
        let tcp = match TcpStream::connect((host.as_str(), port)).await {
            Ok(tcp) => Ok(tcp),
            Err(error) => self.dial_fallback().await.ok_or(error),
        };
        let tcp = tcp.map_err(|source| ClientError::Connect { host: host.clone(), port, source })?;
        let stream = self.tls.connect(name, tcp).await;
        let stream = stream.map_err(|source| ClientError::Tls { host: host.clone(), source })?;
        let shaken = handshake(TokioIo::new(stream)).await;
        let (sender, driver) =
            shaken.map_err(|error| ClientError::Broken { host, reason: error.to_string() })?;
        Ok(Open { sender, driver: Box::pin(driver) })
    }

    async fn dial_fallback(&self) -> Option<TcpStream> {
        for address in &self.fallback {
            if let Ok(tcp) = TcpStream::connect(SocketAddr::new(*address, self.port)).await {
                return Some(tcp);
            }
        }
        None
    }

    async fn exchange(
        &self,
        mut open: Open,
        call: &Call,
        sink: Option<Sink<'_>>,
    ) -> Result<Answer, ClientError> {
        let broken = |reason: String| ClientError::Broken { host: self.host().to_owned(), reason };
        let request = self.request(call).map_err(|error| broken(error.to_string()))?;
        let Open { sender, driver } = &mut open;
        let asking = async {
            let response = self.within(SILENCE_MAX, sender.send_request(request)).await?;
            let (head, mut body) = response.map_err(|error| broken(error.to_string()))?.into_parts();
            if let Some(sink) = sink.filter(|_| head.status.is_success()) {
                while let Some(frame) = self.within(SILENCE_MAX, body.frame()).await? {
                    let frame = frame.map_err(|error| broken(error.to_string()))?;
                    let Ok(data) = frame.into_data() else { continue };
                    let host = || self.host().to_owned();
                    sink(&data).map_err(|source| ClientError::Keep { host: host(), source })?;
                }
                return Ok(Answer { status: head.status, headers: head.headers, body: Bytes::new() });
            }
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| broken(error.to_string()))?.to_bytes();
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        let answer = tokio::select! {
            biased;
            answer = asking => answer?,
            ended = driver => {
                let reason = ended.err().map_or_else(|| "closed by the server".to_owned(), |error| error.to_string());
                return Err(broken(reason));
            }
        };
        self.put_idle(open);
        Ok(answer)
    }

    /// Host and port, as URLs have them.
    fn authority(&self) -> String {
        match self.port {
            443 => self.connection.host_name.clone(),
            port => format!("{}:{port}", self.connection.host_name),
        }
    }

    fn request(&self, call: &Call) -> Result<Request<Full<Bytes>>, http::Error> {
        let expires_s = Timestamp::now().as_second() + TOKEN_LIFETIME_S;
        let ConnectionString { host_name, policy, key } = &*self.connection;
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(&call.path)
            .header(header::HOST, self.authority())
            .header(header::AUTHORIZATION, sign(host_name, key, expires_s, Some(policy)))
            .header(header::USER_AGENT, concat!("muster/", env!("CARGO_PKG_VERSION")));
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let body = match &call.body {
            None => Bytes::new(),
            Some(Payload::Json(body)) => {
                request = request.header(header::CONTENT_TYPE, "application/json; charset=utf-8");
                Bytes::from(body.to_string())
            }
            Some(Payload::Text { content_type, text }) => {
                request = request.header(header::CONTENT_TYPE, *content_type);
                text.clone()
            }
        };
        request.body(Full::new(body))
    }
}
