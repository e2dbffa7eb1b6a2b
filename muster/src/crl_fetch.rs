//! Gets revocation lists for the provisioning service from where operators say they are published, and from nowhere else.
//!
//! What comes is signed, so the network is trusted with nothing but to deliver it. What is bounded here is what an address
//! can make this server do: connect to one host, for so long, and take so many bytes.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use muster_dps::{CrlUrl, Fetch, FetchFailed, Fetched, Validators};

/// From the name to the last byte; 16 MiB come in less than half of it over a line of 10 Mbit/s.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);
/// To another path of the same server, and no further.
const REDIRECTS_MAX: usize = 3;
/// An ETag is a hash, a date has 29 characters; what is longer is not sent back.
const VALIDATOR_CHARACTERS_MAX: usize = 256;
/// Where distributions keep the authorities that their system trusts, for lists that come by HTTPS.
const SYSTEM_BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// `own_ca` is trusted beside the system's authorities. A fetch that goes on when the server stops is given up.
pub(crate) fn fetcher(own_ca: &Path, stop: CancellationToken) -> Fetch {
    let tls = connector(own_ca);
    Arc::new(move |url: CrlUrl, known: Validators| {
        let (tls, stop) = (tls.clone(), stop.clone());
        Box::pin(async move {
            tokio::select! {
                fetched = tokio::time::timeout(FETCH_TIMEOUT, follow(&url, &known, tls.as_ref())) => {
                    fetched.unwrap_or_else(|_| Err(failed(format!("nothing whole came within {} s", FETCH_TIMEOUT.as_secs()))))
                }
                () = stop.cancelled() => Err(failed("the server stops")),
            }
        })
    })
}

/// None when there is nothing to trust a server by; then only plain HTTP works.
fn connector(own_ca: &Path) -> Option<TlsConnector> {
    let mut roots = RootCertStore::empty();
    let bundle = std::env::var_os("SSL_CERT_FILE").map(std::path::PathBuf::from);
    let system = SYSTEM_BUNDLES.iter().map(std::path::PathBuf::from).find(|path| path.is_file());
    for path in bundle.or(system).into_iter().chain([own_ca.to_owned()]) {
        let Ok(certificates) = CertificateDer::pem_file_iter(&path) else { continue };
        roots.add_parsable_certificates(certificates.filter_map(Result::ok));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Some(Arc::new(config).into())
}

enum Got {
    Answer(Fetched),
    Elsewhere(String),
}

async fn follow(
    url: &CrlUrl,
    known: &Validators,
    tls: Option<&TlsConnector>,
) -> Result<Fetched, FetchFailed> {
    let mut target: Uri = url.as_str().parse().map_err(|_| failed("the address cannot be read"))?;
    for _ in 0..=REDIRECTS_MAX {
        match get(&target, known, tls).await? {
            Got::Answer(fetched) => return Ok(fetched),
            Got::Elsewhere(location) => target = redirected(&target, &location)?,
        }
    }
    Err(failed(format!("the server redirects more than {REDIRECTS_MAX} times")))
}

/// A redirect to another host would be an address that no operator has set.
fn redirected(from: &Uri, location: &str) -> Result<Uri, FetchFailed> {
    let refused = || {
        let to: String = location.chars().take(200).collect();
        failed(format!(
            "the server redirects to `{}`, which is not followed: set that address if it is right",
            to.escape_debug()
        ))
    };
    let parsed: Uri = location.parse().map_err(|_| refused())?;
    // `//host/path` names another host (RFC 3986 §4.2), though it is read as a path here.
    let is_path = |path: &str| path.starts_with('/') && !path.starts_with("//");
    let path = parsed.path_and_query().filter(|path| is_path(path.as_str())).ok_or_else(refused)?;
    let place = |uri: &Uri| {
        let host = uri.host().map(str::to_ascii_lowercase);
        (uri.scheme_str().map(str::to_ascii_lowercase), host, port(uri))
    };
    if parsed.authority().is_some() && place(&parsed) != place(from) {
        return Err(refused());
    }
    let mut parts = from.clone().into_parts();
    parts.path_and_query = Some(path.clone());
    Uri::from_parts(parts).map_err(|_| refused())
}

async fn get(target: &Uri, known: &Validators, tls: Option<&TlsConnector>) -> Result<Got, FetchFailed> {
    let host = target.host().ok_or_else(|| failed("the address names no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let tcp = connect(host, port(target)).await?;
    if target.scheme_str() != Some("https") {
        return ask(target, known, tcp).await;
    }
    let tls =
        tls.ok_or_else(|| failed("there is no CA bundle on this machine to trust an HTTPS server by"))?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| failed("the host's name is none"))?;
    let stream = tls.connect(name, tcp).await;
    ask(target, known, stream.map_err(|error| failed(format!("the server cannot be trusted: {error}")))?)
        .await
}

/// The address that was looked at is the one that is connected to, whatever the name says a moment later.
async fn connect(host: &str, port: u16) -> Result<TcpStream, FetchFailed> {
    let unreached = |error: io::Error| failed(format!("the server cannot be reached: {error}"));
    let addresses: Vec<SocketAddr> =
        tokio::net::lookup_host((host, port)).await.map_err(unreached)?.collect();
    let mut last = failed("the host's name has no address that lists are fetched from");
    for address in addresses.into_iter().filter(|address| is_fetched_from(address.ip())) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = unreached(error),
        }
    }
    Err(last)
}

/// Link-local addresses are where clouds keep the secrets of a machine, and no authority publishes there.
fn is_fetched_from(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            !(v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified())
        }
        IpAddr::V6(v6) => !(v6.is_unicast_link_local() || v6.is_multicast() || v6.is_unspecified()),
    }
}

async fn ask(
    target: &Uri,
    known: &Validators,
    stream: impl AsyncRead + AsyncWrite + Unpin,
) -> Result<Got, FetchFailed> {
    let broken = |error: &dyn std::fmt::Display| failed(format!("the connection broke: {error}"));
    let (mut sender, driver) = handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    let authority = target.authority().map_or("", |authority| authority.as_str());
    let mut request = Request::get(target.path_and_query().map_or("/", |path| path.as_str()))
        .header(header::HOST, authority)
        .header(header::ACCEPT, "application/pkix-crl")
        .header(header::CONNECTION, "close");
    // Where the server knows the first, it does not look at the second (RFC 9110 section 13.1.3).
    let conditions =
        [(header::IF_NONE_MATCH, &known.etag), (header::IF_MODIFIED_SINCE, &known.last_modified)];
    for (name, value) in conditions {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| broken(&error))?;
    let asking = async {
        let (head, body) = sender.send_request(request).await.map_err(|error| broken(&error))?.into_parts();
        match head.status {
            StatusCode::OK => {
                let limit = muster_x509::CRL_BYTES_MAX;
                let body = Limited::new(body, limit).collect().await;
                let body = body.map_err(|error| {
                    failed(format!("no whole list of at most {limit} bytes came: {error}"))
                })?;
                let text = |name| validator(head.headers.get(name));
                let validators =
                    Validators { etag: text(header::ETAG), last_modified: text(header::LAST_MODIFIED) };
                Ok(Got::Answer(Fetched::List { bytes: body.to_bytes().to_vec(), validators }))
            }
            StatusCode::NOT_MODIFIED if *known != Validators::default() => {
                Ok(Got::Answer(Fetched::Unchanged))
            }
            StatusCode::NOT_MODIFIED => {
                Err(failed("the server answers that nothing is changed, though it was not asked that"))
            }
            status if status.is_redirection() => {
                let location = head.headers.get(header::LOCATION).and_then(|location| location.to_str().ok());
                Ok(Got::Elsewhere(location.unwrap_or_default().to_owned()))
            }
            status => Err(failed(format!("the server answers {status}"))),
        }
    };
    let (mut asking, mut driver) = (pin!(asking), pin!(driver));
    tokio::select! {
        answer = &mut asking => answer,
        ended = &mut driver => match ended {
            Ok(()) => asking.await, // what came is waiting to be read
            Err(error) => Err(broken(&error)),
        },
    }
}

/// As it was sent, to be sent back.
fn validator(sent: Option<&HeaderValue>) -> Option<String> {
    let text = sent?.to_str().ok()?;
    (text.len() <= VALIDATOR_CHARACTERS_MAX).then(|| text.to_owned())
}

fn port(uri: &Uri) -> u16 {
    let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    uri.port_u16().unwrap_or(default)
}

fn failed(why: impl Into<String>) -> FetchFailed {
    FetchFailed(why.into())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// What a server is sent, and what is made of its answer.
    async fn asked(known: &Validators, answer: &str) -> (String, Result<Fetched, FetchFailed>) {
        let (here, mut there) = tokio::io::duplex(4096);
        let target: Uri = "http://pki.example.test/a.crl".parse().unwrap();
        let server = async {
            let mut head = vec![0; 4096];
            let read = there.read(&mut head).await.unwrap();
            there.write_all(answer.as_bytes()).await.unwrap();
            drop(there);
            String::from_utf8_lossy(&head[..read]).to_lowercase()
        };
        let (sent, got) = tokio::join!(server, ask(&target, known, here));
        let got = got.map(|got| match got {
            Got::Answer(fetched) => fetched,
            Got::Elsewhere(location) => panic!("to {location}"),
        });
        (sent, got)
    }

    #[tokio::test]
    async fn what_came_with_a_list_is_sent_back_and_nothing_changed_is_an_answer_to_that_only() {
        let none = Validators::default();
        let date = "Fri, 20 Nov 2026 12:00:00 GMT";
        let answer = format!(
            "HTTP/1.1 200 OK\r\nETag: W/\"7\"\r\nLast-Modified: {date}\r\nContent-Length: 4\r\n\r\nlist"
        );
        let (sent, got) = asked(&none, &answer).await;
        assert!(!sent.contains("if-none-match") && !sent.contains("if-modified-since"), "{sent}");
        let Ok(Fetched::List { bytes, validators }) = got else { panic!("{got:?}") };
        assert_eq!((&*bytes, validators.etag.as_deref()), (&b"list"[..], Some("W/\"7\"")));
        assert_eq!(validators.last_modified.as_deref(), Some(date));

        let unchanged = "HTTP/1.1 304 Not Modified\r\n\r\n";
        let (sent, got) = asked(&validators, unchanged).await;
        assert_eq!(got, Ok(Fetched::Unchanged));
        assert!(sent.contains("if-none-match: w/\"7\"\r\n"), "{sent}");
        assert!(sent.contains("if-modified-since: fri, 20 nov 2026 12:00:00 gmt\r\n"), "{sent}");
        let (_, got) = asked(&none, unchanged).await;
        assert!(got.unwrap_err().0.contains("it was not asked that"));

        let long = "x".repeat(VALIDATOR_CHARACTERS_MAX);
        let answer = format!("HTTP/1.1 200 OK\r\nETag: \"{long}\"\r\nContent-Length: 0\r\n\r\n");
        let (_, got) = asked(&none, &answer).await;
        assert_eq!(got, Ok(Fetched::List { bytes: Vec::new(), validators: none }));
    }

    #[test]
    fn a_redirect_stays_with_the_server_that_was_named() {
        let from: Uri = "http://pki.example.test/a.crl".parse().unwrap();
        for (location, to) in [
            ("/b.crl?x", "http://pki.example.test/b.crl?x"),
            ("http://PKI.example.test:80/b", "http://pki.example.test/b"),
        ] {
            assert_eq!(redirected(&from, location).unwrap().to_string(), to);
        }
        for location in [
            "",
            "b.crl",
            "https://pki.example.test/b",
            "http://169.254.169.254/latest",
            "//other.example.test/b",
            "http://pki.example.test:8080/b",
            "file:///etc/passwd",
        ] {
            assert!(redirected(&from, location).is_err(), "{location}");
        }
    }

    #[test]
    fn no_list_is_fetched_from_where_secrets_of_machines_are() {
        for address in ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "0.0.0.0", "::", "224.0.0.1"]
        {
            assert!(!is_fetched_from(address.parse().unwrap()), "{address}");
        }
        for address in ["127.0.0.1", "10.1.2.3", "2001:db8::1"] {
            assert!(is_fetched_from(address.parse().unwrap()), "{address}");
        }
    }
}
