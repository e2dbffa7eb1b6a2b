//! What a first boot costs the service, apart from TLS and the hub: `cargo bench -p muster-dps`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "it measures, and stops where it cannot")]

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use muster_dps::{
    Admitted, Answer, Ask, Dps, HubError, Link, LinkedHub, OperationId, Presented, Settings, Transport,
};
use muster_identity::{AccessPolicy, Admission, DeviceId, DeviceState, Entropy, HostName, RegistrationId};
use muster_sas::{Key, Token, sign};
use muster_store::Db;
use muster_x509::{Certificate, Peer, verify};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde_json::{Map, Value, json};
use tower::ServiceExt;

const SCOPE: &str = "0ne00000001";
const DEVICES: usize = 4000;
const AT_ONCE: usize = 64;

/// A hub that takes everything at no cost.
struct Nowhere(HostName);

impl LinkedHub for Nowhere {
    fn host(&self) -> &HostName {
        &self.0
    }

    fn admit<'a>(&'a self, _: &'a Admission, _: Timestamp) -> BoxFuture<'a, Result<Admitted, HubError>> {
        Box::pin(async { Ok(Admitted::Created) })
    }

    fn export<'a>(&'a self, _: &'a DeviceId) -> BoxFuture<'a, Result<Option<DeviceState>, HubError>> {
        Box::pin(async { Ok(None) })
    }

    fn tell<'a>(
        &'a self,
        _: &'a DeviceId,
        _: &'a Map<String, Value>,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<(), HubError>> {
        Box::pin(async { Ok(()) })
    }

    fn certified<'a>(&'a self, _: &'a [DeviceId]) -> BoxFuture<'a, Result<Vec<DeviceId>, HubError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn remove<'a>(&'a self, _: &'a DeviceId) -> BoxFuture<'a, Result<(), HubError>> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let folder = std::env::temp_dir().join(format!("muster-dps-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let db = Db::open_sqlite(&folder.join("dps.db")).await.unwrap();
    let entropy: Entropy = Arc::new(|bytes: &mut [u8]| bytes.fill_with(rand));
    let policies = vec![AccessPolicy::provisioning_service_owner(&entropy)];
    let settings = Settings::new(SCOPE, HostName::parse("dps.test").unwrap(), policies);
    let hub = |name: &str| Link {
        hub: Arc::new(Nowhere(HostName::parse(name).unwrap())),
        weight: 1,
        allocatable: true,
    };
    let dps = Dps::open(settings, vec![hub("hub-1.test"), hub("hub-2.test")], db.clone(), None, entropy)
        .await
        .unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = tokio::spawn({
        let dps = Arc::clone(&dps);
        async move { dps.run(Timestamp::now, async { drop(stopped.await) }).await }
    });

    let master = Key::from_bytes(vec![7; 64]).unwrap();
    let keys = json!({ "primaryKey": master.to_base64().as_str() });
    put(&dps, "keys", json!({ "type": "symmetricKey", "symmetricKey": keys })).await;
    let by_key = (0..DEVICES).map(|n| with_key(&format!("key-{n}"), &master)).collect();
    measure("first boot, key of a group", &dps, by_key).await;

    let (certificate, devices) = with_certificates();
    put(&dps, "certificates", json!({ "type": "x509", "x509": { "signingCertificates": { "primary": { "certificate": certificate } } } })).await;
    chains(&certificate, &devices);
    measure("first boot, certificate and intermediate", &dps, devices.clone()).await;
    measure("the same devices again", &dps, devices).await;
    let strangers =
        (0..DEVICES).map(|n| with_key(&format!("key-{n}"), &Key::from_bytes(vec![8; 64]).unwrap())).collect();
    measure("strangers, refused", &dps, strangers).await;

    drop(stop);
    worker.await.unwrap();
    db.close().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

/// What of it is reading the certificates, and what is checking their signatures.
fn chains(authority: &str, devices: &[Presented]) {
    let authority = muster_x509::read_certificates(authority).unwrap().remove(0);
    let chain = |device: &Presented| -> Vec<Certificate> {
        device.peer.chain.iter().map(|der| Certificate::parse(der).unwrap()).collect()
    };
    let began = Instant::now();
    let read: Vec<_> = devices.iter().map(chain).collect();
    let (reading, began) = (began.elapsed(), Instant::now());
    for chain in &read {
        verify(chain, &authority, Timestamp::now()).unwrap();
    }
    let each = |took: Duration| took.as_micros() as f64 / devices.len() as f64;
    println!("a chain of two: {:.0} µs to read, {:.0} µs to verify", each(reading), each(began.elapsed()));
}

async fn measure(what: &str, dps: &Arc<Dps>, devices: Vec<Presented>) {
    let count = devices.len();
    let devices = Arc::new(tokio::sync::Mutex::new(devices));
    let (began, cpu) = (Instant::now(), cpu());
    let tasks = (0..AT_ONCE).map(|_| {
        let (dps, devices) = (Arc::clone(dps), Arc::clone(&devices));
        tokio::spawn(async move {
            loop {
                let Some(device) = devices.lock().await.pop() else { return };
                boot(&dps, &device).await;
            }
        })
    });
    futures::future::join_all(tasks).await;
    let (took, cpu) = (began.elapsed(), self::cpu() - cpu);
    let each = cpu.as_micros() as f64 / count as f64;
    println!("{what:<42} {:>7.0}/s  {each:>6.0} µs of CPU each", count as f64 / took.as_secs_f64());
}

async fn boot(dps: &Dps, device: &Presented) {
    let body = Bytes::from(json!({ "registrationId": device.registration_id }).to_string());
    let accepted = dps.ask(device, Ask::Register { force: false, body }, Timestamp::now()).await;
    if accepted.status == 401 {
        return;
    }
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let operation = OperationId::new(accepted.body["operationId"].as_str().unwrap());
    loop {
        let ask = Ask::Status { operation_id: operation.clone() };
        let Answer { status, body, .. } = dps.ask(device, ask, Timestamp::now()).await;
        match status {
            202 => {}
            200 => return assert_eq!(body["status"], "assigned"),
            other => unreachable!("{other} {body}"),
        }
    }
}

fn with_key(name: &str, master: &Key) -> Presented {
    let resource = format!("{SCOPE}/registrations/{name}");
    let token = sign(&resource, &master.derive(name), Timestamp::now().as_second() + 3600, None);
    Presented { token: Some(Token::parse(&token).unwrap()), ..presented(name, Vec::new()) }
}

fn with_certificates() -> (String, Vec<Presented>) {
    let params = |name: &str, is_ca| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = is_ca;
        params
    };
    let authority = |name: &str| {
        let mut params = params(name, IsCa::Ca(BasicConstraints::Unconstrained));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
    };
    let (root, root_key) = (authority("root"), KeyPair::generate().unwrap());
    let pem = root.self_signed(&root_key).unwrap().pem();
    let (line, line_key) = (authority("line"), KeyPair::generate().unwrap());
    let line_der = line.signed_by(&line_key, &Issuer::from_params(&root, &root_key)).unwrap().der().to_vec();
    let issuer = Issuer::from_params(&line, &line_key);
    let key = KeyPair::generate().unwrap();
    let devices = (0..DEVICES).map(|n| {
        let name = format!("x-{n}");
        let leaf = params(&name, IsCa::ExplicitNoCa).signed_by(&key, &issuer).unwrap().der().to_vec();
        presented(&name, vec![leaf, line_der.clone()])
    });
    (pem, devices.collect())
}

fn presented(name: &str, chain: Vec<Vec<u8>>) -> Presented {
    let peer = Peer {
        address: SocketAddr::from(([127, 0, 0, 1], 40_000)),
        chain: chain.into(),
        at: Timestamp::now(),
        server_name: None,
    };
    Presented {
        scope: SCOPE.to_owned(),
        registration_id: RegistrationId::parse(name).unwrap(),
        api_version: "2019-03-31".to_owned(),
        token: None,
        peer,
        transport: Transport::Mqtt,
    }
}

/// A group, over the service API as everybody makes them.
async fn put(dps: &Arc<Dps>, name: &str, attestation: serde_json::Value) {
    let policy = &dps.settings().policies[0];
    let token = sign("dps.test", &policy.primary, Timestamp::now().as_second() + 60, Some(&policy.name));
    let request = http::Request::put(format!("/enrollmentGroups/{name}?api-version=2021-10-01"))
        .header("authorization", token)
        .extension(presented("bench", Vec::new()).peer)
        .body(axum::body::Body::from(json!({ "attestation": attestation }).to_string()))
        .unwrap();
    let answer = muster_dps::router(Arc::clone(dps)).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// User and system time of this process (proc(5): fields 14 and 15, in hundredths of a second).
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, after_name) = stat.rsplit_once(')').unwrap();
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

fn rand() -> u8 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static STATE: AtomicU64 = AtomicU64::new(1);
    let mut z = STATE.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as u8
}
