//! The accept loop: limits before TLS, then one task a connection.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::admission::Permit;
use super::front::Front;
use super::patience::Patient;
use super::tls::Tls;

/// When the process is out of file descriptors, accepting again at once would only spin.
const PAUSE_WHEN_OUT_OF_SOCKETS: Duration = Duration::from_millis(50);
/// rustls holds back at most this much plaintext for a slow reader.
const TLS_BUFFER_BYTES_MAX: usize = 64 * 1024;

pub(crate) type Secured = TlsStream<Patient<TcpStream>>;

/// An accepted socket, and all that is known before it says anything.
pub(crate) struct Caller {
    pub(crate) tcp: TcpStream,
    pub(crate) remote: SocketAddr,
    pub(crate) local: SocketAddr,
    /// Counts the socket until the connection's task drops it.
    pub(crate) permit: Permit,
}

/// What the handshake told.
pub(crate) struct Shaken {
    pub(crate) stream: Secured,
    pub(crate) chain: Arc<[Vec<u8>]>,
    pub(crate) server_name: Option<Arc<str>>,
}

/// Runs until the server stops. `serve` is the whole life of one connection.
pub(crate) async fn accept<S, F>(listener: TcpListener, front: Arc<Front>, serve: S)
where
    S: Fn(Arc<Front>, Caller) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let stop = front.stop.token();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, remote)) => {
                front.counters.accepted.count();
                if let Some(caller) = admit(&front, tcp, remote) {
                    front.tasks.spawn(serve(front.clone(), caller));
                }
            }
            Err(error) if is_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections; raise the open-file limit if it is that");
                tokio::time::sleep(PAUSE_WHEN_OUT_OF_SOCKETS).await;
            }
        }
    }
}

/// A socket that is not admitted is closed by dropping it.
fn admit(front: &Front, tcp: TcpStream, remote: SocketAddr) -> Option<Caller> {
    let permit = match front.admission.admit(remote.ip(), Instant::now()) {
        Ok(permit) => permit,
        Err(why) => {
            front.counters.not_admitted.count();
            tracing::debug!(%remote, %why, "connection not admitted");
            return None;
        }
    };
    // Answers are small and waited for.
    tcp.set_nodelay(true).ok()?;
    let local = tcp.local_addr().ok()?;
    Some(Caller { tcp, remote, local, permit })
}

/// The client was gone before we came to it.
fn is_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// `None`: it failed, was too slow, or the server stops.
pub(crate) async fn shake_hands(
    front: &Front,
    tls: &Tls,
    tcp: TcpStream,
    local: SocketAddr,
    remote: SocketAddr,
) -> Option<Shaken> {
    let acceptor = TlsAcceptor::from(tls.at(local.ip()));
    let patient = Patient::new(tcp, front.limits.write_timeout);
    let accepting =
        acceptor.accept_with(patient, |connection| connection.set_buffer_limit(Some(TLS_BUFFER_BYTES_MAX)));
    let stop = front.stop.token();
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(front.limits.handshake_timeout, accepting) => shaken,
        () = stop.cancelled() => return None,
    };
    let failed = match shaken {
        Ok(Ok(stream)) => return Some(describe(stream)),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "not finished within `limits.handshake_timeout_s`".to_owned(),
    };
    front.counters.handshakes_failed.count();
    tracing::debug!(%remote, reason = failed, "TLS handshake failed");
    None
}

fn describe(stream: Secured) -> Shaken {
    let connection = stream.get_ref().1;
    let presented: &[CertificateDer<'_>] = connection.peer_certificates().unwrap_or_default();
    let chain = presented.iter().map(|certificate| certificate.to_vec()).collect();
    let server_name = connection.server_name().map(Arc::from);
    Shaken { stream, chain, server_name }
}
