//! The routes of EST (RFC 7030 section 3.2.2).

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use futures::StreamExt;
use jiff::Timestamp;

use muster_x509::{ChannelBinding, Peer, certs_only};
use zeroize::Zeroizing;

use super::{
    authorization,
    base64::{form_of, write},
    parts,
    path::{self, Operation},
    status::Refusal,
};
use crate::{
    Base64Form, Ca, EstLabel,
    api::Clock,
    est::{
        cacerts, csrattrs,
        enroll::{EnrollError, Enrolled, Presented, Wish},
    },
};

/// ML-DSA-87 in base64 is 10 kB; other servers take as much.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// What is read beyond that so that the client hears the answer, instead of a broken connection.
const DRAINED_BYTES_MAX: usize = 1024 * 1024;

const REQUEST: &str = "application/pkcs10";
const CERTIFICATES: &str = "application/pkcs7-mime";
const CERTIFICATE: &str = "application/pkcs7-mime; smime-type=certs-only";
const ATTRIBUTES: &str = "application/csrattrs";
const TEXT: &str = "text/plain; charset=utf-8";
const TRANSFER_ENCODING: HeaderName = HeaderName::from_static("content-transfer-encoding");

#[derive(Clone)]
struct Server {
    ca: Arc<Ca>,
    clock: Clock,
}

/// `/.well-known/est[/{label}]/{operation}`. It asks by itself who is there: nobody need do so before. The client
/// certificate, as the handshake told it, is the [`Peer`] in the request's extensions, what its connection alone has the
/// [`ChannelBinding`].
pub fn router(ca: Arc<Ca>, clock: Clock) -> Router {
    Router::new().fallback(serve).with_state(Server { ca, clock })
}

async fn serve(State(server): State<Server>, request: Request) -> Response {
    let now = (server.clock)();
    let path = request.uri().path().to_owned();
    let mut realm = None;
    match Box::pin(answer(&server.ca, &path, request, &mut realm, now)).await {
        Ok(response) => response,
        Err(refusal) => refuse(&refusal, realm.as_deref()),
    }
}

async fn answer(
    ca: &Ca,
    path: &str,
    request: Request,
    realm: &mut Option<String>,
    now: Timestamp,
) -> Result<Response, Refusal> {
    let (name, operation) = path::read(path).ok_or(Refusal::Path)?;
    let label = ca.est_label(&name).ok_or_else(|| EnrollError::NoLabel(name.chars().take(40).collect()))?;
    // As if it were not known, where it is not offered.
    if operation == Operation::ServerKeygen && !label.server_keygen {
        return Err(Refusal::Path);
    }
    *realm = Some(label.name.clone());
    // Who asks for the head alone gets it: bodies are left out where answers are written.
    let (methods, allowed) = match operation {
        Operation::CaCerts | Operation::CsrAttrs => (&[Method::GET, Method::HEAD][..], "GET, HEAD"),
        Operation::SimpleEnroll | Operation::SimpleReenroll | Operation::ServerKeygen => {
            (&[Method::POST][..], "POST")
        }
    };
    if !methods.contains(request.method()) {
        return Err(Refusal::Method { allowed });
    }
    let form = label.form_for(request.headers().contains_key(header::USER_AGENT));
    match operation {
        Operation::CaCerts => {
            let authority = label.authority_id().ok_or(Refusal::Path)?;
            let bag = certs_only(&cacerts::certificates(&ca.tree(), &authority, now));
            Ok(base64(CERTIFICATES, &bag, form))
        }
        Operation::CsrAttrs => {
            let profile = ca.profile(&label.profile).ok_or(Refusal::Path)?;
            let known = ca.known_by_birth(&label, request.extensions().get(), now);
            Ok(base64(ATTRIBUTES, &csrattrs::of(&profile, label.pop_link, &known), form))
        }
        Operation::SimpleEnroll => enroll(ca, &label, Wish::Enroll, request, now).await,
        Operation::SimpleReenroll => enroll(ca, &label, Wish::Reenroll, request, now).await,
        Operation::ServerKeygen => enroll(ca, &label, Wish::EnrollWithKey, request, now).await,
    }
}

async fn enroll(
    ca: &Ca,
    label: &EstLabel,
    wish: Wish,
    request: Request,
    now: Timestamp,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    if !is_request(&parts.headers) {
        return Err(Refusal::ContentType);
    }
    let peer = parts.extensions.get::<Peer>();
    let presented = Presented {
        from: peer.map(|peer| peer.address),
        chain: peer.map_or_else(|| Arc::new([]) as Arc<[Vec<u8>]>, |peer| Arc::clone(&peer.chain)),
        shown: parts.headers.get(header::AUTHORIZATION).map(|value| authorization::read(value.as_bytes())),
        binding: parts.extensions.get::<ChannelBinding>().copied(),
    };
    let body = read(body).await?;
    let Enrolled { issued, pkcs8 } = ca.enroll(&label.name, wish, &presented, &body, now).await?;
    // The certificate alone: clients that want the chain ask cacerts for it.
    let bag = certs_only([&issued.certificate]);
    let form = form_of(&body, label.form_for(parts.headers.contains_key(header::USER_AGENT)));
    Ok(match pkcs8 {
        None => base64(CERTIFICATE, &bag, form),
        Some(pkcs8) => secret(parts::of(&pkcs8, &bag, form)),
    })
}

/// Parameters make no difference.
fn is_request(headers: &HeaderMap) -> bool {
    let told = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = told.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case(REQUEST)
}

async fn read(body: Body) -> Result<Vec<u8>, Refusal> {
    let mut chunks = body.into_data_stream();
    let (mut kept, mut seen) = (Vec::new(), 0_usize);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Refusal::Cut)?;
        seen = seen.saturating_add(chunk.len());
        if seen > DRAINED_BYTES_MAX {
            break;
        }
        if seen <= BODY_BYTES_MAX {
            kept.extend_from_slice(&chunk);
        }
    }
    if seen > BODY_BYTES_MAX { Err(Refusal::TooLarge { max: BODY_BYTES_MAX }) } else { Ok(kept) }
}

fn base64(content_type: &'static str, der: &[u8], form: Base64Form) -> Response {
    let mut response = text(content_type, write(der, form));
    // RFC 8951 has it ignored; old clients want it.
    response.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("base64"));
    response
}

/// Wiped when it is sent.
fn secret(mut parts: Zeroizing<String>) -> Response {
    let bytes = Zeroizing::new(std::mem::take(&mut *parts).into_bytes());
    let mut response = Response::new(Body::from(Bytes::from_owner(bytes)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(parts::TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn text(content_type: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn refuse(refusal: &Refusal, realm: Option<&str>) -> Response {
    let status = refusal.status();
    if status.is_server_error() {
        tracing::error!(error = %refusal, "an enrollment failed");
    }
    let mut response = text(TEXT, refusal.text());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(seconds) = refusal.retry_after_s() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Refusal::Method { allowed } = refusal {
        headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
    }
    if refusal.challenges() {
        // A label has no quotes in it.
        let challenge = format!("Basic realm=\"{}\"", realm.unwrap_or("est"));
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
    }
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
