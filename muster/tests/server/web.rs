//! Requests as anybody sends them: one, and everything that is answered.

use std::time::{SystemTime, UNIX_EPOCH};

use muster_sas::{ConnectionString, sign};
use muster_simulator::Endpoint;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Fixture, PATIENCE};

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.head, String::from_utf8_lossy(&self.body)))
    }
}

/// `first` is method and path; `headers` are whole lines.
pub(crate) async fn ask<IO>(mut stream: IO, first: &str, headers: &[String], body: &[u8]) -> Answer
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = format!("{first} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for line in headers {
        request.push_str(line);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    let mut answer = Vec::new();
    let exchange = async {
        stream.write_all(request.as_bytes()).await.unwrap();
        // A server that has read enough closes.
        let _ = stream.write_all(body).await;
        let _ = stream.read_to_end(&mut answer).await;
    };
    tokio::time::timeout(PATIENCE, exchange).await.unwrap();
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    let mut body = answer.split_off(answer.len().min(end + 4));
    if head.contains("transfer-encoding: chunked") {
        body = unchunked(&body);
    }
    Answer { status, head, body }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|it| it == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        let chunk = &rest[end + 2..];
        if size == 0 {
            break;
        }
        whole.extend_from_slice(&chunk[..size]);
        rest = &chunk[size + 2..];
    }
    whole
}

/// A token of this policy, good for so many seconds from now.
pub(crate) fn token(connection_string: &str, lifetime_s: i64) -> String {
    let owner = ConnectionString::parse(connection_string).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let expires_s = i64::try_from(now).unwrap() + lifetime_s;
    sign(&owner.host_name, &owner.key, expires_s, Some(&owner.policy))
}

impl Fixture {
    /// On the host of the provisioning service, by HTTPS.
    pub(crate) async fn web(&self, first: &str, token: Option<&str>, body: &[u8]) -> Answer {
        self.web_at(&self.https(), first, token, body).await
    }

    pub(crate) async fn web_at(
        &self,
        at: &Endpoint,
        first: &str,
        token: Option<&str>,
        body: &[u8],
    ) -> Answer {
        let stream = self.trust.connect(at).await.unwrap();
        let mut headers = vec![format!("Host: {}:{}", at.host, at.address.port())];
        headers.extend(token.map(|token| format!("Authorization: {token}")));
        ask(stream, first, &headers, body).await
    }

    /// As the owner of the authority.
    pub(crate) async fn authority(&self, first: &str, body: &Value) -> Answer {
        let owner = token(&self.running.endpoints().ca.service_connection_string, 600);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.web(first, Some(&owner), body.as_bytes()).await
    }

    /// By plain HTTP.
    pub(crate) async fn plain(&self, first: &str, body: &[u8]) -> Answer {
        let port = self.running.endpoints().ports.http;
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        ask(stream, first, &["Host: localhost".to_owned()], body).await
    }
}
