//! Devices that get certificates by other ways than their registration: their twins tell of them all the same.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use jiff::SignedDuration;
use muster_ca::{AuthorityId, Ca, Caller, Issued, Request, SubjectFacts};
use muster_identity::Authentication;
use muster_store::Db;
use muster_test_engines::{for_each_engine, for_each_place};
use muster_x509::Csr;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    Bench, HUB_1, HUB_2, Shelf, enroll, group,
    issuing::{accepted, authority, certified_group, chain, csr, device},
    key, now,
    shelf::Mood,
    symmetric,
};
use crate::{Dps, HubError};

/// The worker that follows the log, until it is stopped or, as in a crash, dropped.
struct Follower {
    stop: oneshot::Sender<()>,
    worker: JoinHandle<()>,
}

impl Follower {
    fn start(dps: &Arc<Dps>) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let dps = Arc::clone(dps);
        // Longer than any pause each time that somebody looks, after a restart as well: what is due later comes at once.
        static LOOKS: AtomicI64 = AtomicI64::new(0);
        let clock = move || now() + SignedDuration::from_mins(15 * LOOKS.fetch_add(1, Relaxed));
        let worker = tokio::spawn(async move {
            let stopped = async { stopped.await.unwrap_or_default() };
            dps.follow_certificates(clock, stopped).await;
        });
        Self { stop, worker }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.worker.await.unwrap();
    }

    async fn crash(self) {
        self.worker.abort();
        let _ = self.worker.await;
    }
}

/// One more certificate for the holder, as EST, the command line and others ask for it.
async fn issue(ca: &Arc<Ca>, name: &str, profile: &str) -> Issued {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let csr = params.serialize_request(&KeyPair::generate().unwrap()).unwrap();
    let request = Request {
        authority: AuthorityId::issuing(),
        profile: profile.to_owned(),
        csr: Csr::parse(csr.der()).unwrap(),
        subject: SubjectFacts { common_name: Some(name.to_owned()), ..SubjectFacts::default() },
        caller: Caller::process(),
        idempotency_key: None,
        holder: Some(ca.holder(&name.to_ascii_lowercase())),
        not_after: None,
    };
    ca.issue(request, now()).await.unwrap()
}

async fn registered(dps: &Dps, name: &str) {
    let device = device(name);
    let (operation, _) = accepted(&device, dps, &csr(name)).await;
    assert_eq!(chain(&device.ends(dps, &operation).await).len(), 3);
}

fn told(hub: &Shelf, device: &str) -> Value {
    Value::Object(hub.state(device).desired.properties)["muster"]["certificate"]["serial"].clone()
}

async fn comes_to_tell(hub: &Shelf, device: &str, issued: &Issued) {
    let serial = json!(hex::encode(issued.serial));
    for _ in 0..500 {
        if told(hub, device) == serial {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the twin of `{device}` says {}, not {serial}", told(hub, device));
}

/// When nothing is left to do.
async fn is_done(db: &Db, ca: &Ca) {
    for _ in 0..500 {
        let read = async |sql| db.fetch(sql, &[]).await.unwrap()[0].int("n").unwrap();
        let left = read("SELECT COUNT(*) AS n FROM reminder").await;
        let place = read("SELECT next AS n FROM reminder_place").await;
        if left == 0 && place.unsigned_abs() == *ca.issued().borrow() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("something is left to do");
}

#[tokio::test]
async fn whichever_way_a_device_gets_its_next_certificate_its_twin_tells_of_it() {
    for_each_engine(async |db| {
        let (hub, dir) = (Shelf::new(HUB_1), TempDir::new().unwrap());
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, std::slice::from_ref(&hub), &ca).await;
        certified_group(&bench.dps).await;
        let follower = Follower::start(&bench.dps);
        registered(&bench.dps, "Pump-1").await;
        let issued = issue(&ca, "Pump-1", "device").await;
        comes_to_tell(&hub, "Pump-1", &issued).await;
        let twin = Value::Object(hub.state("Pump-1").desired.properties);
        let not_after = format!("{:.7}", issued.certificate.not_after());
        assert_eq!(twin["muster"]["certificate"]["notAfter"], not_after);
        assert!(twin["muster"]["certificate"]["renewBy"].as_str() < Some(&not_after));

        // Of another profile than the one that its policy names, and of nobody that is a device.
        is_done(&db, &ca).await;
        let so_far = hub.told();
        issue(&ca, "Pump-1", "edge-server").await;
        for n in 0..20 {
            issue(&ca, &format!("stranger-{n}"), "device").await;
        }
        is_done(&db, &ca).await;
        assert_eq!(told(&hub, "Pump-1"), hex::encode(issued.serial));
        assert!(hub.told() <= so_far + 1, "strangers are nobody's");
        assert_eq!(hub.devices(), ["Pump-1"]);
        follower.stop().await;
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_policy_of_its_own_counts_and_without_one_every_certificate_for_clients() {
    for_each_engine(async |db| {
        let (hub, dir) = (Shelf::new(HUB_1), TempDir::new().unwrap());
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, std::slice::from_ref(&hub), &ca).await;
        let attestation = symmetric(&key(1).derive("d1"), &key(2));
        enroll(
            &bench.dps,
            "d1",
            json!({ "attestation": attestation, "credentialPolicyName": "edge-server" }),
        )
        .await;
        group(&bench.dps, "plain", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let follower = Follower::start(&bench.dps);
        for name in ["d1", "d2"] {
            assert_eq!(device(name).provisioned(&bench.dps).await["status"], "assigned");
        }
        let edge = issue(&ca, "d1", "edge-server").await;
        issue(&ca, "d1", "device").await;
        issue(&ca, "d2", "edge-server").await;
        let last = issue(&ca, "d2", "device").await;
        is_done(&db, &ca).await;
        assert_eq!(told(&hub, "d1"), hex::encode(edge.serial));
        assert_eq!(told(&hub, "d2"), hex::encode(last.serial));
        follower.stop().await;
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_was_issued_before_a_crash_is_told_after_it_and_the_newest_at_last() {
    for_each_place(async |place| {
        let (hub, dir) = (Shelf::new(HUB_1), TempDir::new().unwrap());
        let hubs = std::slice::from_ref(&hub);
        let db = place.open().await;
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, hubs, &ca).await;
        certified_group(&bench.dps).await;
        let follower = Follower::start(&bench.dps);
        for name in ["d1", "d2", "d3"] {
            registered(&bench.dps, name).await;
        }
        is_done(&db, &ca).await;
        // Of the first it is not known yet that it is due, the second is and its hub does not answer.
        hub.set(Mood::Silent);
        issue(&ca, "d2", "device").await;
        let due = async || db.fetch("SELECT id FROM reminder", &[]).await.unwrap().len();
        while due().await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        follower.crash().await;
        issue(&ca, "d1", "device").await;
        let first = issue(&ca, "d1", "device").await;
        let second = issue(&ca, "d2", "device").await;
        let third = told(&hub, "d3");
        bench.close().await;
        drop(ca);
        db.close().await;

        hub.set(Mood::Well);
        let db = place.open().await;
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, hubs, &ca).await;
        let follower = Follower::start(&bench.dps);
        comes_to_tell(&hub, "d1", &first).await;
        comes_to_tell(&hub, "d2", &second).await;
        is_done(&db, &ca).await;
        assert_eq!(told(&hub, "d3"), third);
        follower.stop().await;
        bench.close().await;
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_hub_that_is_away_keeps_no_other_hubs_devices_waiting_and_is_told_when_it_is_back() {
    for_each_engine(async |db| {
        let (hubs, dir) = ([Shelf::new(HUB_1), Shelf::new(HUB_2)], TempDir::new().unwrap());
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, &hubs, &ca).await;
        for (name, hub) in [("d1", HUB_1), ("d2", HUB_2)] {
            let attestation = symmetric(&key(1).derive(name), &key(2));
            let body = json!({ "attestation": attestation, "allocationPolicy": "static", "iotHubs": [hub] });
            enroll(&bench.dps, name, body).await;
            assert_eq!(device(name).provisioned(&bench.dps).await["status"], "assigned");
        }
        let follower = Follower::start(&bench.dps);
        hubs[0].set(Mood::Fails(HubError::Unavailable("it restarts".to_owned())));
        let first = issue(&ca, "d1", "device").await;
        let second = issue(&ca, "d2", "device").await;
        comes_to_tell(&hubs[1], "d2", &second).await;
        assert_eq!(told(&hubs[0], "d1"), Value::Null);
        hubs[0].set(Mood::Well);
        comes_to_tell(&hubs[0], "d1", &first).await;
        follower.stop().await;

        // What a hub refuses for good is not tried for ever.
        hubs[0].set(Mood::Fails(HubError::Refused("its twin is full".to_owned())));
        let follower = Follower::start(&bench.dps);
        issue(&ca, "d1", "device").await;
        is_done(&db, &ca).await;
        follower.stop().await;
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_device_that_arrives_with_an_older_certificate_is_told_of_the_newest() {
    for_each_place(async |place| {
        let (hub, dir) = (Shelf::new(HUB_1), TempDir::new().unwrap());
        let hubs = std::slice::from_ref(&hub);
        let db = place.open().await;
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, hubs, &ca).await;
        certified_group(&bench.dps).await;
        // The certificate of its registration is issued, and its hub does not answer.
        hub.set(Mood::Silent);
        let (operation, _) = accepted(&device("d1"), &bench.dps, &csr("d1")).await;
        while hub.devices().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let Bench { dps, worker, .. } = bench;
        worker.abort();
        let _ = worker.await;
        drop(dps);
        // Meanwhile it gets another, of which it is told; then its registration goes on, with the first.
        hub.set(Mood::Well);
        let idle = Bench::preparing(&db, hubs, Some(&ca)).await;
        let follower = Follower::start(&idle);
        let newest = issue(&ca, "d1", "device").await;
        comes_to_tell(&hub, "d1", &newest).await;
        is_done(&db, &ca).await;
        follower.stop().await;
        drop(idle);
        let bench = Bench::certifying(&db, hubs, &ca).await;
        let follower = Follower::start(&bench.dps);
        let first = chain(&device("d1").ends(&bench.dps, &operation).await);
        assert_ne!(first[0].serial(), newest.serial);
        comes_to_tell(&hub, "d1", &newest).await;

        // And one that had a certificate before it ever registered.
        let before = issue(&ca, "d2", "device").await;
        is_done(&db, &ca).await;
        assert_eq!(device("d2").provisioned(&bench.dps).await["status"], "assigned");
        comes_to_tell(&hub, "d2", &before).await;
        follower.stop().await;
        bench.close().await;
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_device_that_was_made_at_the_hub_is_told_where_it_is_known_by_its_certificates() {
    for_each_engine(async |db| {
        let (hubs, dir) = ([Shelf::new(HUB_1), Shelf::new(HUB_2)], TempDir::new().unwrap());
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, &hubs, &ca).await;
        let follower = Follower::start(&bench.dps);
        hubs[0].make("Pump-1", Authentication::CertificateAuthority);
        hubs[1].make("Pump-1", Authentication::Sas { primary: key(1), secondary: key(2) });
        hubs[1].make("pump-2", Authentication::CertificateAuthority);
        issue(&ca, "pump-2", "device").await;
        let second = issue(&ca, "pump-2", "edge-server").await;
        let first = issue(&ca, "Pump-1", "device").await;
        is_done(&db, &ca).await;
        assert_eq!(told(&hubs[0], "Pump-1"), hex::encode(first.serial));
        assert_eq!(told(&hubs[1], "Pump-1"), Value::Null);
        assert_eq!(told(&hubs[1], "pump-2"), hex::encode(second.serial));
        follower.stop().await;
        bench.close().await;
    })
    .await;
}
