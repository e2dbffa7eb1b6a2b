//! HTTPS: our own accept loop in front of hyper, so that requests carry who is at the other end, and have limits.

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
use tower::ServiceExt;

use muster_x509::Peer;

use super::accept::{Caller, Shaken, shake_hands};
use super::body::{BodyRefused, collect};
use super::front::{Front, now};
use super::names::{Addressee, Hints};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
/// Head of a request with its headers: a SAS token, a continuation, an id or two.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// What is being answered when the server stops may take so long.
const ANSWER_GRACE: Duration = Duration::from_secs(2);

/// What the handshake told about everyone who speaks on this connection.
struct Connection {
    remote: SocketAddr,
    local: SocketAddr,
    chain: Arc<[Vec<u8>]>,
    server_name: Option<Arc<str>>,
}

pub(super) async fn serve(front: Arc<Front>, caller: Caller) {
    let Caller { tcp, remote, local, permit: _permit } = caller;
    let shaken = Box::pin(shake_hands(&front, &front.https, tcp, local, remote)).await;
    if let Some(Shaken { stream, chain, server_name }) = shaken {
        let connection = Arc::new(Connection { remote, local, chain, server_name });
        Box::pin(converse(&front, TokioIo::new(stream), connection)).await;
    }
}

async fn converse(front: &Arc<Front>, io: TokioIo<super::accept::Secured>, connection: Arc<Connection>) {
    let remote = connection.remote;
    let service = service_fn(move |request| {
        let (front, connection) = (front.clone(), connection.clone());
        async move { Ok::<_, Infallible>(answer(&front, &connection, request).await) }
    });
    let mut serving = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(front.limits.request_head_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(io, service)
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
        tracing::debug!(%remote, %error, "HTTPS connection ended");
    }
}

async fn answer(front: &Front, connection: &Connection, request: Request<Incoming>) -> Response {
    front.counters.requests.count();
    let mut response = match route(front, connection, &request) {
        None => misdirected(&request),
        Some(router) => match accept_body(front, connection, request).await {
            Ok(request) => ask(front, router, request).await,
            Err(refused) => refused.into_response(),
        },
    };
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

fn route(front: &Front, connection: &Connection, request: &Request<Incoming>) -> Option<Router> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let hints = Hints {
        host: request.uri().host().or(host),
        server_name: connection.server_name.as_deref(),
        local: connection.local.ip(),
    };
    match front.names.by_hints(hints)? {
        Addressee::Dps => Some(front.dps.router.clone()),
        Addressee::Hub(position) => front.hubs.get(position).map(|hub| hub.router.clone()),
    }
}

/// The request with its whole body, and with the peer that sent it.
async fn accept_body(
    front: &Front,
    connection: &Connection,
    request: Request<Incoming>,
) -> Result<Request<Body>, BodyRefused> {
    let (head, body) = request.into_parts();
    let body = collect(body, &front.limits, &front.bodies).await?;
    let mut request = Request::from_parts(head, Body::from(body.bytes));
    request.extensions_mut().insert(Peer {
        address: connection.remote,
        chain: connection.chain.clone(),
        at: now(),
        server_name: connection.server_name.clone(),
    });
    // Lives as long as the request: the bytes count until then.
    request.extensions_mut().insert(body.reserved);
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
