//! What the world reads.

mod crl;
mod issuer;
mod ocsp;

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use jiff::Timestamp;
use tower::ServiceExt;

use muster_store::Db;

use super::public_router;
use crate::{
    BaseUrl, Ca, Settings,
    workshop::{entropy, now},
};

struct World {
    ca: Arc<Ca>,
    router: Router,
    db: Db,
    dir: tempfile::TempDir,
    clock: Arc<Mutex<Timestamp>>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl World {
    /// On a database in memory: what is published is the same on all.
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open_memory().await.unwrap();
        let mut settings = Settings::new(dir.path());
        settings.base_url = Some(BaseUrl::parse("http://127.0.0.1:8080").unwrap());
        let ca = Ca::open(settings, db.clone(), entropy(), now()).await.unwrap();
        ca.tick(now()).await;
        let clock = Arc::new(Mutex::new(now()));
        let read = clock.clone();
        let router = public_router(ca.clone(), Arc::new(move || *read.lock().unwrap()));
        Self { router, ca, db, dir, clock }
    }

    fn set(&self, at: Timestamp) {
        *self.clock.lock().unwrap() = at;
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn close(self) {
        self.ca.close(now()).await;
        self.db.close().await;
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}
