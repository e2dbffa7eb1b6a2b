//! Enrollment as clients meet it: over the routes, without a socket.

mod answers;
mod approval;
mod born;
mod certificate;
mod hostile;
mod password;
mod pop_link;
mod server_key;
mod token;

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use tower::ServiceExt;

use muster_store::Db;
use muster_x509::{Certificate, ChannelBinding, Peer, read_certs_only};

use super::*;
use crate::{
    Ca, Caller,
    audit::Chained,
    issuance::tests::{csr_of, open},
    workshop::now,
};

struct Server {
    ca: Arc<Ca>,
    db: Db,
    dir: tempfile::TempDir,
    at: Timestamp,
}

/// One request, to be changed before it is sent.
struct Call {
    method: Method,
    path: String,
    content_type: Option<&'static str>,
    agent: Option<&'static str>,
    authorization: Option<String>,
    chain: Vec<Vec<u8>>,
    from: String,
    binding: Option<ChannelBinding>,
    body: Vec<u8>,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: axum::http::HeaderMap,
    body: String,
}

impl Server {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open_memory().await.unwrap();
        let ca = open(dir.path(), &db).await;
        Self { ca, db, dir, at: now() }
    }

    /// The same, after a restart.
    async fn again(self) -> Self {
        let Self { ca, db, dir, at } = self;
        ca.close(at).await;
        drop(ca);
        let ca = open(dir.path(), &db).await;
        Self { ca, db, dir, at }
    }

    fn router(&self) -> Router {
        let at = self.at;
        router(Arc::clone(&self.ca), Arc::new(move || at))
    }

    async fn send(&self, call: Call) -> Answer {
        let mut request = Request::builder().method(call.method).uri(call.path).extension(Peer {
            address: format!("{}:4711", call.from).parse().unwrap(),
            chain: call.chain.into(),
            at: self.at,
            server_name: None,
        });
        if let Some(content_type) = call.content_type {
            request = request.header("content-type", content_type);
        }
        if let Some(agent) = call.agent {
            request = request.header("user-agent", agent);
        }
        if let Some(authorization) = call.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(binding) = call.binding {
            request = request.extension(binding);
        }
        let response = self.router().oneshot(request.body(Body::from(call.body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body).unwrap(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(get(path)).await
    }

    async fn credential(&self, change: impl FnOnce(&mut NewEstCredential)) -> FreshCredential {
        let mut new = NewEstCredential {
            label: "lab1".to_owned(),
            user: None,
            kind: CredentialKind::Basic,
            names: Vec::new(),
            count: None,
            until: None,
        };
        change(&mut new);
        self.ca.new_est_credential(new, &Caller::process(), self.at).await.unwrap()
    }

    async fn label(&self, change: impl FnOnce(&mut EstLabel)) {
        let mut label = EstLabel::named("lab1");
        change(&mut label);
        self.ca.put_est_label(label, &Caller::process(), self.at).await.unwrap();
    }

    /// A device's first certificate, with its key.
    async fn device(&self, name: &str) -> (KeyPair, Certificate) {
        let credential = self.credential(|_| {}).await;
        let key = KeyPair::generate().unwrap();
        let call = post("lab1/simpleenroll", csr(name, &key)).by(&credential);
        let certificate = self.send(call).await.certificate();
        (key, certificate)
    }

    /// Action, decision and actor of the last entries, the latest first, and its reason.
    async fn entries(&self) -> Vec<Chained> {
        let mut entries = self.ca.audit_page(1, 1000).await.unwrap();
        entries.reverse();
        entries
    }

    async fn close(self) {
        self.ca.close(self.at).await;
        self.db.close().await;
    }
}

fn get(path: &str) -> Call {
    Call { method: Method::GET, content_type: None, ..post(path, Vec::new()) }
}

fn post(path: &str, body: impl Into<Vec<u8>>) -> Call {
    Call {
        method: Method::POST,
        path: format!("/.well-known/est/{path}"),
        content_type: Some("application/pkcs10"),
        agent: None,
        authorization: None,
        chain: Vec::new(),
        from: "192.0.2.7".to_owned(),
        binding: None,
        body: body.into(),
    }
}

impl Call {
    fn by(self, credential: &FreshCredential) -> Self {
        self.basic(&credential.credential.user, &credential.password)
    }

    fn basic(mut self, user: &str, password: &str) -> Self {
        let text = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.authorization = Some(format!("Basic {text}"));
        self
    }

    fn bearer(mut self, token: &str) -> Self {
        self.authorization = Some(format!("Bearer {token}"));
        self
    }

    fn with(mut self, certificate: &Certificate) -> Self {
        self.chain = vec![certificate.der().to_vec()];
        self
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Exactly one, in an answer as it must be.
    fn certificate(&self) -> Certificate {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.header("content-type"), "application/pkcs7-mime; smime-type=certs-only");
        let mut bag = read_certs_only(self.body.as_bytes()).unwrap();
        assert_eq!(bag.len(), 1);
        bag.remove(0)
    }

    /// Status and the one line of the reason.
    fn refusal(&self) -> (u16, &str) {
        assert_eq!(self.header("content-type"), "text/plain; charset=utf-8", "{self:?}");
        let line = self.body.strip_suffix('\n').unwrap();
        assert!(!line.contains('\n') && !line.is_empty(), "{line}");
        (self.status, line)
    }

    fn is_refused(&self, status: u16, with: &str) {
        let (found, line) = self.refusal();
        assert!(found == status && line.contains(with), "{found} {line}, not {status} {with}");
    }
}

/// Base64 in one line.
fn csr(common_name: &str, key: &KeyPair) -> Vec<u8> {
    BASE64_STANDARD.encode(csr_of(common_name, key).der()).into_bytes()
}

fn fresh(common_name: &str) -> Vec<u8> {
    csr(common_name, &KeyPair::generate().unwrap())
}

/// A request bent before it is signed.
fn bent(key: &KeyPair, bend: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "dev1");
    bend(&mut params);
    BASE64_STANDARD.encode(params.serialize_request(key).unwrap().der()).into_bytes()
}
