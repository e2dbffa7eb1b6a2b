//! What the API promises.

mod bulk;
mod calls;
mod est;
mod on_record;
mod refusals;
mod security;

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode},
};
use serde_json::Value;
use tower::ServiceExt;

use muster_store::Db;
use muster_x509::to_pem;

use super::{Right, right, router};
use crate::{
    Ca, Caller, Credential,
    issuance::tests::{csr, device, open},
    workshop::now,
};

struct Api {
    router: Router,
    ca: Arc<Ca>,
    db: Db,
    _dir: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    retry_after: Option<String>,
    body: Vec<u8>,
}

impl Api {
    /// On a database in memory: what it answers is the same on all.
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open_memory().await.unwrap();
        let ca = open(dir.path(), &db).await;
        Self { router: router(ca.clone(), Arc::new(now)), ca, db, _dir: dir }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let retry_after = response.headers().get("retry-after").map(|it| it.to_str().unwrap().to_owned());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec();
        Answer { status, retry_after, body }
    }

    /// Asked by the server itself, which needs no grant.
    async fn ask(&self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        self.send(asked(method, path, Caller::process(), body)).await
    }

    async fn close(self) {
        self.db.close().await;
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and error code.
    fn refusal(&self) -> (u16, String) {
        let json = self.json();
        assert_eq!(json["trackingId"].as_str().unwrap_or_default().len(), 32, "{json}");
        assert!(!json["message"].as_str().unwrap().is_empty());
        (self.status.as_u16(), json["errorCode"].as_str().unwrap().to_owned())
    }
}

fn asked(method: Method, path: &str, caller: Caller, body: impl Into<Body>) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .extension(caller)
        .body(body.into())
        .unwrap()
}

fn operator(name: &str) -> Caller {
    Caller { name: name.to_owned(), credential: Credential::AccessPolicy(name.to_owned()), from: None }
}

fn csr_pem(common_name: &str) -> String {
    to_pem(csr(common_name).der()).replace("CERTIFICATE", "CERTIFICATE REQUEST")
}

#[test]
fn who_may_read_may_not_ask_and_who_may_ask_may_not_configure() {
    for (method, path, needs) in [
        (Method::GET, "/ca/certificates", Right::Read),
        (Method::GET, "/ca/profiles/device", Right::Read),
        (Method::POST, "/ca/sign", Right::Request),
        (Method::POST, "/ca/bulk/", Right::Request),
        (Method::PUT, "/ca/profiles/device", Right::Configure),
        (Method::DELETE, "/ca/grants/lines", Right::Configure),
        (Method::PUT, "/ca/blocked-keys/00", Right::Configure),
        (Method::POST, "/ca/authorities", Right::Configure),
        (Method::POST, "/ca/authorities/line-1/retire", Right::Configure),
        (Method::POST, "/ca/revoke", Right::Revoke),
        (Method::DELETE, "/ca/bars/pump-1", Right::Revoke),
        (Method::GET, "/ca/bars/pump-1", Right::Read),
        (Method::POST, "/ca/whatever", Right::Configure),
    ] {
        assert_eq!(right(&method, path), needs, "{method} {path}");
    }
}
