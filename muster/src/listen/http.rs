//! HTTPS and HTTP: our own accept loop in front of hyper, so that requests carry who is at the other end, and have limits.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::{ProtocolVersion, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};
use tower::ServiceExt;

use muster_x509::{ChannelBinding, Peer};

use super::accept::{Caller, Shaken, shake_hands};
use super::body::{collect, pass_on};
use super::ca_front::{is_bulk, room_of};
use super::front::{Front, now};
use super::names::{Addressee, Hints};
use super::patience::Patient;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
/// Head of a request with its headers: a SAS token, a continuation, an id or two.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// What is being answered when the server stops may take so long.
const ANSWER_GRACE: Duration = Duration::from_secs(2);

/// Strangers ask here without a certificate or a key, and an OCSP request is a few hundred bytes.
const PLAIN_BODY_BYTES_MAX: usize = 64 * 1024;

/// What is known about everyone who speaks on this connection.
struct Connection {
    remote: SocketAddr,
    local: SocketAddr,
    door: Door,
}

/// By which listener it came.
enum Door {
    Plain,
    /// With what the handshake told.
    Secured {
        chain: Arc<[Vec<u8>]>,
        server_name: Option<Arc<str>>,
        binding: Option<ChannelBinding>,
    },
}

/// Whose a request is.
pub(super) enum Room {
    Dps,
    Hub(usize),
    /// `/ca`: for those with a token.
    Ca,
    /// It asks for credentials of its own.
    Est,
    /// What anybody may know who checks a certificate.
    Public,
}

pub(super) async fn serve(front: Arc<Front>, caller: Caller) {
    let Caller { tcp, remote, local, permit: _permit } = caller;
    let shaken = Box::pin(shake_hands(&front, &front.https, tcp, local, remote)).await;
    if let Some(Shaken { stream, chain, server_name }) = shaken {
        let binding = binding(stream.get_ref().1);
        let connection = Connection { remote, local, door: Door::Secured { chain, server_name, binding } };
        Box::pin(converse(&front, stream, connection)).await;
    }
}

/// None by TLS 1.2, where two connections may have the same (RFC 9266 section 4.2).
fn binding(connection: &ServerConnection) -> Option<ChannelBinding> {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    let exported = [0; ChannelBinding::BYTES];
    connection.export_keying_material(exported, ChannelBinding::LABEL, None).ok().map(ChannelBinding::new)
}

pub(super) async fn serve_plain(front: Arc<Front>, caller: Caller) {
    let Caller { tcp, remote, local, permit: _permit } = caller;
    let patient = Patient::new(tcp, front.limits.write_timeout);
    Box::pin(converse(&front, patient, Connection { remote, local, door: Door::Plain })).await;
}

async fn converse<IO>(front: &Arc<Front>, io: IO, connection: Connection)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (remote, connection) = (connection.remote, Arc::new(connection));
    let service = service_fn(move |request| {
        let (front, connection) = (front.clone(), connection.clone());
        async move { Ok::<_, Infallible>(answer(&front, &connection, request).await) }
    });
    let mut serving = pin!(
        builder()
            .timer(TokioTimer::new())
            .header_read_timeout(front.limits.request_head_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(io), service)
            .with_upgrades()
    );
    let stop = front.stop.token();
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%remote, %error, "HTTP connection ended");
    }
}

/// Header names as people write them: not all clients know that they have no case.
pub(super) fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.title_case_headers(true);
    builder
}

async fn answer(front: &Front, connection: &Connection, request: Request<Incoming>) -> Response {
    front.counters.requests.count();
    let mut response = match room(front, connection, &request) {
        None => misdirected(&request),
        Some(room) => match admit(front, connection, &room, request).await {
            Ok(request) => ask(front, router(front, room), request).await,
            Err(refused) => refused,
        },
    };
    front.spelling.apply(&mut response);
    if !response.headers().contains_key(REQUEST_ID)
        && let Ok(id) = HeaderValue::from_str(&request_id(front))
    {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The service's answer. A request that waits for events does not hold up a stop.
async fn ask(front: &Front, router: Router, request: Request<Body>) -> Response {
    let stop = front.stop.token();
    let stopping = async {
        stop.cancelled().await;
        tokio::time::sleep(ANSWER_GRACE).await;
    };
    tokio::select! {
        answered = router.oneshot(request) => answered.into_response(),
        () = stopping => refusal(StatusCode::SERVICE_UNAVAILABLE, "the server stops; ask again in a moment"),
    }
}

fn room(front: &Front, connection: &Connection, request: &Request<Incoming>) -> Option<Room> {
    let Door::Secured { server_name, .. } = &connection.door else { return Some(Room::Public) };
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let hints = Hints {
        host: request.uri().host().or(host),
        server_name: server_name.as_deref(),
        local: connection.local.ip(),
    };
    match front.names.by_hints(hints)? {
        Addressee::Dps => Some(room_of(request.uri().path()).unwrap_or(Room::Dps)),
        Addressee::Hub(position) => Some(Room::Hub(position)),
    }
}

fn router(front: &Front, room: Room) -> Router {
    match room {
        Room::Dps => front.dps.router.clone(),
        Room::Hub(position) => front.hubs.get(position).map(|hub| hub.router.clone()).unwrap_or_default(),
        Room::Ca => front.authority.api.clone(),
        Room::Est => front.authority.est.clone(),
        Room::Public => front.authority.public.clone(),
    }
}

/// The request with its body and with the peer that sent it, if it may come in.
async fn admit(
    front: &Front,
    connection: &Connection,
    room: &Room,
    request: Request<Incoming>,
) -> Result<Request<Body>, Response> {
    let caller = match room {
        Room::Ca => Some(front.authority.admit(&request, connection.remote, &front.entropy, now()).await?),
        Room::Dps | Room::Hub(_) | Room::Est | Room::Public => None,
    };
    let (head, body) = request.into_parts();
    let mut request = match caller {
        // What is asked without end is asked by somebody who is known.
        Some(_) if is_bulk(&head) => Request::from_parts(head, pass_on(body, &front.limits)),
        Some(_) | None => {
            let max = match room {
                Room::Public => PLAIN_BODY_BYTES_MAX.min(front.limits.request_body_bytes_max),
                Room::Dps | Room::Hub(_) | Room::Ca | Room::Est => front.limits.request_body_bytes_max,
            };
            let collected = collect(body, max, &front.limits, &front.bodies).await;
            let body = collected.map_err(|refused| match room {
                Room::Est => refused.into_line(),
                Room::Dps | Room::Hub(_) | Room::Ca | Room::Public => refused.into_response(),
            })?;
            let mut request = Request::from_parts(head, Body::from(body.bytes));
            // Lives as long as the request: the bytes count until then.
            request.extensions_mut().insert(body.reserved);
            request
        }
    };
    let (chain, server_name, binding) = match &connection.door {
        Door::Plain => (Arc::default(), None, None),
        Door::Secured { chain, server_name, binding } => (chain.clone(), server_name.clone(), *binding),
    };
    let peer = Peer { address: connection.remote, chain, at: now(), server_name };
    request.extensions_mut().insert(peer);
    if let Some(binding) = binding {
        request.extensions_mut().insert(binding);
    }
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    Ok(request)
}

fn misdirected(request: &Request<Incoming>) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let message = format!(
        "`{host}` is neither the provisioning service nor a hub of this server; use a host of its configuration"
    );
    refusal(StatusCode::MISDIRECTED_REQUEST, &message)
}

/// In the shape both services use, for what is refused before either is asked.
pub(super) fn refusal(status: StatusCode, message: &str) -> Response {
    let code = u32::from(status.as_u16()) * 1000;
    let body = serde_json::json!({ "errorCode": code, "message": message, "Message": message });
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body.to_string()).into_response()
}

fn request_id(front: &Front) -> String {
    let mut bytes = [0; 16];
    (front.entropy)(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40; // version 4, random (RFC 9562 §5.4)
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}
