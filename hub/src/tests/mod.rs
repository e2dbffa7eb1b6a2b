//! A hub to test with: real store, real log, a clock and a randomness that the test owns.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use muster_events::{Event, Log, Options, Retention};
use muster_identity::{
    AccessPolicy, Admission, Arrival, Authentication, Capabilities, DeviceId, Entropy, HostName, HubName,
    Right, Rights,
};
use muster_sas::{Key, Token, sign};
use muster_store::Db;
use muster_x509::Peer;

use crate::{Connected, FromDevice, Hello, Hub, PacketId, Session, Settings, ToDevice};

pub(crate) const HOST: &str = "hub.test";

pub(crate) struct Stage {
    pub hub: Arc<Hub>,
    pub db: Db,
    folder: Arc<tempfile::TempDir>,
}

impl Stage {
    pub(crate) async fn on(db: Db) -> Self {
        Self::with(db, |_| {}).await
    }

    pub(crate) async fn with(db: Db, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::in_folder(db, folder, change).await
    }

    /// What a restart of the process leaves: database and log. The old hub must be gone.
    pub(crate) async fn restarted(self) -> Self {
        let Self { hub, db, folder } = self;
        hub.log().close().await;
        drop(hub);
        Self::in_folder(db, folder, |_| {}).await
    }

    /// A second node on the same database.
    pub(crate) async fn second_node(&self) -> Self {
        Self::with(self.db.clone(), |_| {}).await
    }

    async fn in_folder(db: Db, folder: Arc<tempfile::TempDir>, change: impl FnOnce(&mut Settings)) -> Self {
        let log = Log::open(&folder.path().join("events.db"), &Options::default()).unwrap();
        let mut settings = settings();
        change(&mut settings);
        let hub = Hub::open(settings, db.clone(), log, entropy()).await.unwrap();
        Self { hub, db, folder }
    }

    /// A device with `key(1)` and `key(2)`.
    pub(crate) async fn device(&self, id: &str) -> DeviceId {
        self.hub.admit(&admission(id), now()).await.unwrap();
        device_id(id)
    }

    pub(crate) async fn connected(&self, id: &str) -> Connected {
        self.device(id).await;
        self.hub.connect(hello(id), now()).await.unwrap()
    }

    /// One batch, which must not end the session.
    pub(crate) async fn say(&self, session: &mut Session, said: Vec<FromDevice>) -> Vec<ToDevice> {
        let mut answers = Vec::new();
        self.hub.handle(session, said, now(), &mut answers).await.unwrap();
        answers
    }

    pub(crate) async fn events(&self, device: &str) -> Vec<Event> {
        let partition = self.hub.log().partition_of(device);
        let stored = self.hub.log().read(partition, 0, 10_000).await.unwrap();
        stored.into_iter().map(|one| one.event).filter(|event| *event.device == *device).collect()
    }

    pub(crate) async fn bodies(&self, device: &str) -> Vec<Bytes> {
        self.events(device).await.into_iter().map(|event| event.body).collect()
    }
}

pub(crate) fn settings() -> Settings {
    let policy = |name: &str, key: Key, rights: &[Right]| AccessPolicy {
        name: name.to_owned(),
        primary: key,
        secondary: None,
        rights: Rights::of(rights),
    };
    let policies = vec![
        policy(
            "iothubowner",
            owner_key(),
            &[Right::RegistryRead, Right::RegistryWrite, Right::ServiceConnect, Right::DeviceConnect],
        ),
        policy("registryRead", key(91), &[Right::RegistryRead]),
        policy("service", key(92), &[Right::ServiceConnect]),
        policy("device", key(93), &[Right::DeviceConnect]),
    ];
    let retention = Retention { age: SignedDuration::from_hours(24), bytes: u64::MAX };
    Settings::new(HubName::parse("hub-1").unwrap(), HostName::parse(HOST).unwrap(), policies, retention)
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_795_211_840).unwrap()
}

pub(crate) fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

/// Different bytes at every call, the same in every run.
pub(crate) fn entropy() -> Entropy {
    let calls = AtomicU64::new(1);
    Arc::new(move |bytes: &mut [u8]| {
        let call = calls.fetch_add(1, Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = call[at % call.len()] ^ at as u8;
        }
    })
}

pub(crate) fn key(number: u8) -> Key {
    Key::from_bytes(vec![number; 32]).unwrap()
}

pub(crate) fn owner_key() -> Key {
    Key::from_base64("bXVzdGVyLWxhYi1pb3RodWJvd25lci1rZXktMDAwMDAw").unwrap()
}

pub(crate) fn device_id(id: &str) -> DeviceId {
    DeviceId::parse(id).unwrap()
}

pub(crate) fn sas(primary: u8, secondary: u8) -> Authentication {
    Authentication::Sas { primary: key(primary), secondary: key(secondary) }
}

pub(crate) fn admission(id: &str) -> Admission {
    Admission {
        device_id: device_id(id),
        authentication: sas(1, 2),
        capabilities: Capabilities::default(),
        arrival: Arrival::Stay,
        desired: serde_json::Map::new(),
    }
}

pub(crate) fn token(resource: &str, key: &Key, expires: Timestamp, policy: Option<&str>) -> Token {
    Token::parse(&sign(resource, key, expires.as_second(), policy)).unwrap()
}

pub(crate) fn peer(chain: Vec<Vec<u8>>) -> Peer {
    Peer { address: ([127, 0, 0, 1], 40_000).into(), chain: chain.into(), at: now(), server_name: None }
}

/// With the device's primary key, a persistent session, keep-alive 60 s.
pub(crate) fn hello(id: &str) -> Hello {
    Hello {
        device: device_id(id),
        module: None,
        token: Some(token(&format!("{HOST}/devices/{id}"), &key(1), later(3600), None)),
        peer: peer(Vec::new()),
        vouched: None,
        certificates: Box::default(),
        clean_session: false,
        keep_alive_s: 60,
        product: None,
        model_id: None,
        will: None,
    }
}

pub(crate) fn packet(id: u16) -> PacketId {
    PacketId::new(id).unwrap()
}

pub(crate) fn telemetry(id: u16, body: &'static str) -> FromDevice {
    FromDevice::Telemetry {
        packet_id: Some(packet(id)),
        properties: Bytes::from_static(b"k=v"),
        body: Bytes::from_static(body.as_bytes()),
    }
}
