//! A service with everything around it: hubs to assign to, devices that ask, certificates, and a clock that stands still.

mod audited;
mod crash;
mod explaining;
pub(crate) mod factory;
mod foreign;
mod https;
mod issuing;
mod moving;
mod refusing;
mod registering;
mod reminding;
mod service_api;
mod shelf;
mod traces;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use jiff::Timestamp;
use muster_ca::Ca;
use muster_identity::{AccessPolicy, Entropy, HostName, RegistrationId};
use muster_sas::{Key, Token, sign};
use muster_store::Db;
use muster_x509::{Certificate, Peer};
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle};
use tower::ServiceExt;

use crate::{
    Answer, Ask, Dps, EnrollmentKind, Link, OperationId, Presented, Settings, Transport,
    enrollment::Precondition,
};

pub(crate) use factory::{authority, leaf, root};
pub(crate) use shelf::Shelf;

pub(crate) const SCOPE: &str = "0ne00000001";
pub(crate) const HUB_1: &str = "hub-1.example.test";
pub(crate) const HUB_2: &str = "hub-2.example.test";

/// An instant at which all certificates of the factory are valid.
pub(crate) fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// Numbers that look random and are the same in every run (SplitMix64).
pub(crate) fn entropy() -> Entropy {
    let state = AtomicU64::new(1);
    Arc::new(move |bytes: &mut [u8]| {
        for chunk in bytes.chunks_mut(8) {
            let mut z = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
    })
}

pub(crate) fn id(text: &str) -> RegistrationId {
    RegistrationId::parse(text).unwrap()
}

pub(crate) fn key(seed: u8) -> Key {
    Key::from_bytes(vec![seed; 32]).unwrap()
}

/// A running service; its hubs stay when it is stopped, like its database.
pub(crate) struct Bench {
    pub(crate) dps: Arc<Dps>,
    stop: oneshot::Sender<()>,
    worker: JoinHandle<()>,
}

impl Bench {
    pub(crate) async fn open(db: &Db, hubs: &[Arc<Shelf>]) -> Self {
        Self::running(Self::prepared(db, hubs, |_| {}).await)
    }

    /// With an authority that issues to devices.
    pub(crate) async fn certifying(db: &Db, hubs: &[Arc<Shelf>], ca: &Arc<Ca>) -> Self {
        Self::running(Self::preparing(db, hubs, Some(ca)).await)
    }

    fn running(bench: Arc<Dps>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let dps = Arc::clone(&bench);
        let worker = tokio::spawn(async move {
            dps.run(now, async {
                let _ = stopped.await;
            })
            .await;
        });
        Self { dps: bench, stop, worker }
    }

    /// Without its worker: what is accepted stays where a crash would leave it.
    pub(crate) async fn prepared(db: &Db, hubs: &[Arc<Shelf>], bend: impl FnOnce(&mut Settings)) -> Arc<Dps> {
        let mut settings = settings();
        bend(&mut settings);
        let links = hubs.iter().map(|hub| Link { hub: Arc::clone(hub) as _, weight: 1, allocatable: true });
        Dps::open(settings, links.collect(), db.clone(), None, entropy()).await.unwrap()
    }

    pub(crate) async fn preparing(db: &Db, hubs: &[Arc<Shelf>], ca: Option<&Arc<Ca>>) -> Arc<Dps> {
        let links = hubs.iter().map(|hub| Link { hub: Arc::clone(hub) as _, weight: 1, allocatable: true });
        Dps::open(settings(), links.collect(), db.clone(), ca.cloned(), entropy()).await.unwrap()
    }

    pub(crate) async fn close(self) {
        self.stop.send(()).unwrap();
        self.worker.await.unwrap();
    }
}

fn settings() -> Settings {
    let policies = vec![AccessPolicy::provisioning_service_owner(&entropy())];
    Settings::new(SCOPE, HostName::parse("dps.example.test").unwrap(), policies)
}

/// A request over HTTPS, and what of the answer tests look at.
pub(crate) struct Http {
    pub(crate) dps: Arc<Dps>,
    pub(crate) authorization: Option<String>,
    pub(crate) chain: Vec<Vec<u8>>,
}

pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
}

impl Http {
    /// A back end with the owner's connection string.
    pub(crate) fn owner(dps: &Arc<Dps>) -> Self {
        let policy = &dps.settings().policies[0];
        let host = dps.settings().host.as_str();
        let token = sign(host, &policy.primary, now().as_second() + 60, Some(&policy.name));
        Self { dps: Arc::clone(dps), authorization: Some(token), chain: Vec::new() }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let mut request = http::Request::builder().method(method).uri(path);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer = Peer {
            address: SocketAddr::from(([192, 0, 2, 8], 50_000)),
            chain: self.chain.clone().into(),
            at: now(),
            server_name: None,
        };
        let request = request.extension(peer).body(axum::body::Body::from(body.to_owned())).unwrap();
        let answer = crate::router(Arc::clone(&self.dps)).oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Got { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) async fn enroll(dps: &Dps, name: &str, body: Value) {
    put(dps, EnrollmentKind::Individual, name, body).await;
}

pub(crate) async fn group(dps: &Dps, name: &str, body: Value) {
    put(dps, EnrollmentKind::Group, name, body).await;
}

async fn put(dps: &Dps, kind: EnrollmentKind, name: &str, body: Value) {
    let existing = dps.enrollment(kind, &id(name)).await.is_ok();
    let precondition = if existing { Precondition::Any } else { Precondition::Absent };
    dps.put_enrollment(kind, id(name), &body, &precondition, &muster_ca::Caller::process(), now())
        .await
        .unwrap();
}

pub(crate) fn symmetric(primary: &Key, secondary: &Key) -> Value {
    json!({
        "type": "symmetricKey",
        "symmetricKey": {
            "primaryKey": primary.to_base64().as_str(),
            "secondaryKey": secondary.to_base64().as_str(),
        },
    })
}

pub(crate) fn x509(member: &str, certificate: &Certificate) -> Value {
    let text = muster_x509::to_pem(certificate.der());
    json!({ "type": "x509", "x509": { member: { "primary": { "certificate": text } } } })
}

/// A device, as a transport presents it.
#[derive(Clone)]
pub(crate) struct Device(pub(crate) Presented);

impl Device {
    pub(crate) fn new(name: &str) -> Self {
        let peer = Peer {
            address: SocketAddr::from(([192, 0, 2, 7], 40_000)),
            chain: Arc::from(Vec::new()),
            at: now(),
            server_name: None,
        };
        Self(Presented {
            scope: SCOPE.to_owned(),
            registration_id: id(name),
            api_version: "2019-03-31".to_owned(),
            token: None,
            peer,
            transport: Transport::Mqtt,
        })
    }

    pub(crate) fn with_key(mut self, key: &Key) -> Self {
        let resource = format!("{SCOPE}/registrations/{}", self.0.registration_id);
        let token = sign(&resource, key, now().as_second() + 3600, Some("registration"));
        self.0.token = Some(Token::parse(&token).unwrap());
        self
    }

    pub(crate) fn with_chain(mut self, chain: &[&Certificate]) -> Self {
        self.0.peer.chain = chain.iter().map(|certificate| certificate.der().to_vec()).collect();
        self
    }

    pub(crate) async fn ask(&self, dps: &Dps, ask: Ask) -> Answer {
        dps.ask(&self.0, ask, now()).await
    }

    pub(crate) async fn register(&self, dps: &Dps) -> Answer {
        let body = json!({ "registrationId": self.0.registration_id }).to_string();
        self.ask(dps, Ask::Register { force: false, body: Bytes::from(body) }).await
    }

    /// The operation id of an accepted registration.
    pub(crate) async fn accepted(&self, dps: &Dps) -> OperationId {
        let answer = self.register(dps).await;
        assert_eq!((answer.status, &answer.body["status"]), (202, &json!("assigning")), "{answer:?}");
        assert!(answer.retry_after_s.is_some());
        OperationId::new(answer.body["operationId"].as_str().unwrap())
    }

    /// Polls until the end, as a device does, but without its patience.
    pub(crate) async fn ends(&self, dps: &Dps, operation: &OperationId) -> Value {
        for _ in 0..100 {
            let answer = self.ask(dps, Ask::Status { operation_id: operation.clone() }).await;
            match answer.status {
                202 => tokio::time::sleep(Duration::from_millis(20)).await,
                200 => {
                    assert_eq!(answer.body["operationId"], operation.to_string());
                    return answer.body["registrationState"].clone();
                }
                other => panic!("a poll was answered {other}: {}", answer.body),
            }
        }
        panic!("operation {operation} does not end");
    }

    pub(crate) async fn provisioned(&self, dps: &Dps) -> Value {
        let operation = self.accepted(dps).await;
        self.ends(dps, &operation).await
    }
}
