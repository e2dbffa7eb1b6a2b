//! What the hub itself costs: `cargo bench -p muster-hub`. Each figure with what it is made of, so that a loss is found where it is.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "it measures, and stops where it cannot")]

use std::{
    hint::black_box,
    num::NonZeroU16,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use muster_events::{Event, Log, Options, Retention, Source};
use muster_hub::{
    Connected, FromDevice, Hello, Hub, Session, Settings, ToDevice,
    protocol::mqtt::{PacketIds, decode, encode},
};
use muster_identity::{Admission, Arrival, Authentication, Capabilities, DeviceId, HostName, HubName};
use muster_mqtt::{Packet, Publish, QoS};
use muster_sas::{Key, Token, sign};
use muster_store::Db;
use muster_x509::Peer;

const HOST: &str = "hub.test";
const SESSIONS: usize = 50;
const BATCH: usize = 32;
const BODY: &[u8] = &[b'x'; 256];
const BAG: &str = "%24.ct=application%2Fjson&%24.ce=utf-8&kind=load";
const TIME: Duration = Duration::from_secs(4);

struct Bench {
    hub: Arc<Hub>,
    folder: PathBuf,
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let folder = std::env::temp_dir().join(format!("muster-hub-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let db = Db::open_sqlite(&folder.join("hub.db")).await.unwrap();
    let log = Log::open(&folder.join("events.db"), &Options::default()).unwrap();
    let retention = Retention { age: SignedDuration::from_hours(24), bytes: u64::MAX };
    let settings =
        Settings::new(HubName::parse("hub").unwrap(), HostName::parse(HOST).unwrap(), Vec::new(), retention);
    let entropy = Arc::new(|bytes: &mut [u8]| bytes.fill_with(rand));
    let hub = Hub::open(settings, db.clone(), log, entropy).await.unwrap();
    let bench = Bench { hub, folder };

    bench.admissions().await;
    bench.connects().await;
    bench.idle_sessions().await;
    bench.translation().await;
    bench.appends_alone().await;
    bench.telemetry().await;
    bench.reports().await;

    bench.hub.log().close().await;
    db.close().await;
    std::fs::remove_dir_all(&bench.folder).unwrap();
}

impl Bench {
    async fn admissions(&self) {
        measure("admissions", 512, |worker, n| {
            let hub = self.hub.clone();
            async move {
                hub.admit(&admission(&format!("d-{worker}-{n}")), Timestamp::now()).await.unwrap();
                1
            }
        })
        .await;
    }

    async fn connects(&self) {
        for worker in 0..SESSIONS {
            self.hub.admit(&admission(&format!("s-{worker}")), Timestamp::now()).await.unwrap();
        }
        measure("connects", SESSIONS, |worker, _| {
            let hub = self.hub.clone();
            async move {
                let session = connect(&hub, worker).await.session;
                hub.disconnected(session, muster_hub::Disconnect::Goodbye, Timestamp::now()).await;
                1
            }
        })
        .await;
    }

    async fn idle_sessions(&self) {
        const IDLE: usize = 20_000;
        let admissions = (0..IDLE).map(async |n| {
            self.hub.admit(&admission(&format!("s-{n}")), Timestamp::now()).await.unwrap();
        });
        futures::future::join_all(admissions).await;
        let mut sessions = Vec::with_capacity(IDLE);
        let before = memory_kb();
        for n in 0..IDLE {
            sessions.push(connect(&self.hub, n).await);
        }
        let bytes = (memory_kb() - before) * 1024 / IDLE;
        println!(
            "{:>22}: {bytes:>9} bytes with its mailbox and what is known of the device",
            "an idle session"
        );
    }

    /// On one core: what there is between a decoded packet and the log, and back.
    async fn translation(&self) {
        let session = connect(&self.hub, 0).await.session;
        let packet = Packet::Publish(publish(&session));
        let mut ids = PacketIds::default();
        let start = Instant::now();
        let rounds = 2_000_000_u32;
        for _ in 0..rounds {
            let said = decode(&session, &mut ids, black_box(packet.clone())).unwrap();
            black_box(&said);
            let answer = ToDevice::Accepted(NonZeroU16::MIN);
            black_box(encode(black_box(answer), &mut ids));
        }
        println!(
            "{:>22}: {:>9.0} ns a message",
            "decode and encode",
            start.elapsed().as_nanos() as f64 / f64::from(rounds)
        );
    }

    async fn appends_alone(&self) {
        measure("appends alone", SESSIONS, |worker, _| {
            let hub = self.hub.clone();
            async move {
                let device: Arc<str> = format!("s-{worker}").into();
                let text: Arc<str> = "x".into();
                let event = Event {
                    enqueued: Timestamp::now(),
                    device,
                    module: None,
                    generation: text.clone(),
                    auth_method: text,
                    source: Source::Telemetry,
                    properties: Bytes::from_static(BAG.as_bytes()),
                    body: Bytes::from_static(BODY),
                };
                hub.log().append(vec![event; BATCH]).await.unwrap();
                BATCH
            }
        })
        .await;
    }

    async fn telemetry(&self) {
        let mut sessions = Vec::new();
        for worker in 0..SESSIONS {
            let connected = connect(&self.hub, worker).await;
            sessions.push(Arc::new(tokio::sync::Mutex::new(connected)));
        }
        measure("telemetry", SESSIONS, |worker, _| {
            let (hub, connected) = (self.hub.clone(), sessions[worker].clone());
            async move {
                let mut connected = connected.lock().await;
                let session = &mut connected.session;
                let mut ids = PacketIds::default();
                let packet = publish(session);
                let said = (0..BATCH)
                    .map(|_| decode(session, &mut ids, Packet::Publish(packet.clone())).unwrap())
                    .collect();
                let mut answers = Vec::new();
                hub.handle(session, said, Timestamp::now(), &mut answers).await.unwrap();
                let packets: Vec<_> = answers.into_iter().map(|answer| encode(answer, &mut ids)).collect();
                black_box(packets).len()
            }
        })
        .await;
    }

    async fn reports(&self) {
        let mut sessions = Vec::new();
        for worker in 0..512 {
            self.hub.admit(&admission(&format!("s-{worker}")), Timestamp::now()).await.unwrap();
            sessions.push(Arc::new(tokio::sync::Mutex::new(connect(&self.hub, worker).await)));
        }
        measure("reported patches", sessions.len(), |worker, n| {
            let (hub, connected) = (self.hub.clone(), sessions[worker].clone());
            async move {
                let mut connected = connected.lock().await;
                let body = format!(r#"{{"fw":"1.0","net":{{"ip":"10.0.0.1","rssi":-{}}}}}"#, n % 90);
                let said = vec![FromDevice::TwinPatch {
                    packet_id: None,
                    rid: "1".into(),
                    base: None,
                    body: body.into(),
                }];
                hub.handle(&mut connected.session, said, Timestamp::now(), &mut Vec::new()).await.unwrap();
                1
            }
        })
        .await;
    }
}

/// Callers that each repeat until the time is over; prints what they got done and what it cost.
async fn measure<F: Future<Output = usize> + Send + 'static>(
    what: &str,
    callers: usize,
    once: impl Fn(usize, usize) -> F,
) {
    let (start, cpu) = (Instant::now(), cpu_time());
    let workers = (0..callers).map(async |worker| {
        let (mut done, mut n) = (0, 0);
        while start.elapsed() < TIME {
            done += tokio::spawn(once(worker, n)).await.unwrap();
            n += 1;
        }
        done
    });
    let done: usize = futures::future::join_all(workers).await.into_iter().sum();
    let (elapsed, cpu) = (start.elapsed(), cpu_time() - cpu);
    println!(
        "{what:>22}: {:>9.0} /s, {:>6.2} us of processor time each",
        done as f64 / elapsed.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / done as f64
    );
}

/// User and system time of this process, from Linux.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10) // 100 Hz wherever Linux runs today
}

/// Resident memory of this process, from Linux.
fn memory_kb() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4 // pages of 4 KB
}

fn publish(session: &Session) -> Publish {
    Publish {
        topic: format!("devices/{}/messages/events/{BAG}", session.device()).into(),
        payload: Bytes::from_static(BODY),
        qos: QoS::AtLeastOnce,
        retain: false,
        dup: false,
        packet_id: Some(NonZeroU16::MIN),
    }
}

fn key() -> Key {
    Key::from_bytes(vec![7; 32]).unwrap()
}

fn admission(id: &str) -> Admission {
    Admission {
        device_id: DeviceId::parse(id).unwrap(),
        authentication: Authentication::Sas { primary: key(), secondary: key() },
        capabilities: Capabilities::default(),
        arrival: Arrival::Stay,
        desired: serde_json::Map::new(),
    }
}

async fn connect(hub: &Hub, worker: usize) -> Connected {
    let id = format!("s-{worker}");
    let expires_s = Timestamp::now().as_second() + 3600;
    let token = Token::parse(&sign(&format!("{HOST}/devices/{id}"), &key(), expires_s, None)).unwrap();
    let now = Timestamp::now();
    let hello = Hello {
        device: DeviceId::parse(&id).unwrap(),
        module: None,
        token: Some(token),
        peer: Peer { address: ([127, 0, 0, 1], 1).into(), chain: Arc::new([]), at: now, server_name: None },
        vouched: None,
        certificates: Box::default(),
        clean_session: false,
        keep_alive_s: 60,
        product: None,
        model_id: None,
        will: None,
    };
    hub.connect(hello, now).await.unwrap()
}

/// Different enough for marks and etags.
fn rand() -> u8 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish() as u8
}
