//! Header names as clients compare them that do so letter by letter, though names have no case (RFC 9110 section 5.1): Cisco's
//! libest looks for `Content-Type` and `WWW-Authenticate`. hyper capitalizes words, and knows no other spelling than one
//! that it has read.

use std::convert::Infallible;

use axum::body::Body;
use http::{Extensions, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

const READ: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nWWW-Authenticate: x\r\n\r\n";

/// What hyper remembers of the names in a request, to write them so in the answer.
#[derive(Clone, Default)]
pub(crate) struct Spelling(Extensions);

impl Spelling {
    /// Has hyper read the names once.
    pub(crate) async fn learn() -> Self {
        let (mut client, server) = tokio::io::duplex(READ.len());
        // It takes them all: the pipe is as long.
        let written = client.write_all(READ).await;
        let (heard, mut hears) = tokio::sync::mpsc::channel(1);
        let service = service_fn(move |request: Request<Incoming>| {
            // One request, one place.
            let _ = heard.try_send(request.into_parts().0.extensions);
            async { Ok::<_, Infallible>(Response::new(Body::empty())) }
        });
        let serving =
            http1::Builder::new().preserve_header_case(true).serve_connection(TokioIo::new(server), service);
        let learned = tokio::select! {
            learned = hears.recv() => learned,
            _ = serving => hears.try_recv().ok(),
        };
        if learned.is_none() || written.is_err() {
            tracing::warn!("spelling of `WWW-Authenticate` was not learned: libest finds no challenge");
        }
        Self(learned.unwrap_or_default())
    }

    /// Where it matters: a client that finds no challenge gives up.
    pub(super) fn apply<B>(&self, response: &mut Response<B>) {
        if response.headers().contains_key(header::WWW_AUTHENTICATE) {
            response.extensions_mut().extend(self.0.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn names_are_written_as_libest_compares_them() {
        let spelling = Spelling::learn().await;
        let (mut client, server) = tokio::io::duplex(4096);
        let service = service_fn(move |_: Request<Incoming>| {
            let mut response = Response::new(Body::from("no"));
            let headers = response.headers_mut();
            headers
                .insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Basic realm=\"lab1\""));
            headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain"));
            spelling.apply(&mut response);
            async { Ok::<_, Infallible>(response) }
        });
        let serving = super::super::http::builder().serve_connection(TokioIo::new(server), service);
        client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
        serving.await.unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).await.unwrap();
        for line in
            ["WWW-Authenticate: Basic realm=\"lab1\"", "Content-Type: text/plain", "Content-Length: 2"]
        {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
