//! One HTTP/1.1 request over TLS at a time, on a connection that is kept while the server keeps it.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use thiserror::Error;
use tokio::task::JoinHandle;

use crate::{ConnectError, Endpoint, Trust};

/// A server that says nothing for so long is as good as gone.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    /// `Null` when there was none; a string when it was no JSON.
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[derive(Debug, Error)]
pub enum HttpError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("{method} {path}: {source}")]
    Broken { method: Method, path: String, source: hyper::Error },
    #[error("{method} {path}: not a request: {source}")]
    Malformed { method: Method, path: String, source: http::Error },
    #[error("{method} {path}: no answer within {} s", ANSWER_WITHIN.as_secs())]
    Silent { method: Method, path: String },
}

pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: Option<&'a Value>,
}

/// A connection, and the task that drives it; both end together.
pub(crate) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    pub(crate) async fn open(to: &Endpoint, trust: &Trust) -> Result<Connection, HttpError> {
        let stream = trust.connect(to).await?;
        let (requests, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|source| HttpError::Broken { method: Method::CONNECT, path: to.host.clone(), source })?;
        // How the connection ended is told to the request that was under way.
        let driver = tokio::spawn(async move {
            let _ended = connection.await;
        });
        Ok(Connection { requests, driver })
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.requests.is_closed()
    }

    pub(crate) async fn call(&mut self, host: &str, call: &Call<'_>) -> Result<Answer, HttpError> {
        let request = request(host, call)?;
        let broken =
            |source| HttpError::Broken { method: call.method.clone(), path: call.path.to_owned(), source };
        let answer = async {
            self.requests.ready().await?;
            let response = self.requests.send_request(request).await?;
            read(response).await
        };
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(answer) => answer.map_err(broken),
            Err(_) => Err(HttpError::Silent { method: call.method.clone(), path: call.path.to_owned() }),
        }
    }
}

fn request(host: &str, call: &Call<'_>) -> Result<Request<Full<Bytes>>, HttpError> {
    let mut request = Request::builder().method(call.method.clone()).uri(call.path).header(HOST, host);
    for (name, value) in call.headers {
        request = request.header(*name, *value);
    }
    let body = match call.body {
        Some(body) => {
            request = request.header(CONTENT_TYPE, "application/json; charset=utf-8");
            Bytes::from(body.to_string())
        }
        None => Bytes::new(),
    };
    request.body(Full::new(body)).map_err(|source| HttpError::Malformed {
        method: call.method.clone(),
        path: call.path.to_owned(),
        source,
    })
}

async fn read(response: Response<Incoming>) -> Result<Answer, hyper::Error> {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let bytes = response.into_body().collect().await?.to_bytes();
    let body = match bytes.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned())),
    };
    Ok(Answer { status, headers, body })
}
