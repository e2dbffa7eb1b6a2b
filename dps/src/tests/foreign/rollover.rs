//! One authority takes over from another while devices register without a pause: nobody is refused (pki.md §8, §12.3).

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use muster_test_engines::for_each_engine;
use serde_json::{Value, json};

use super::{GROUP, pem, referring};
use crate::{
    Dps,
    tests::{Bench, Device, HUB_1, HUB_2, Http, Shelf, authority, leaf, root},
};

const DEVICES: usize = 12;
/// Registrations that each step of the switch sees at least.
const BETWEEN: usize = 30;

/// Devices that register one after the other, and how many have.
struct Load {
    registered: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    running: tokio::task::JoinHandle<()>,
}

impl Load {
    fn start(dps: &Arc<Dps>, devices: Vec<Device>) -> Self {
        let (registered, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (dps, counter, stopped) = (Arc::clone(dps), Arc::clone(&registered), Arc::clone(&stop));
        let running = tokio::spawn(async move {
            for device in devices.iter().cycle() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let answer = device.register(&dps).await;
                // 429 would be the rate limit of a device that this test asks too often.
                assert_eq!(answer.status, 202, "{answer:?}");
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self { registered, stop, running }
    }

    async fn goes_on(&self) {
        let target = self.registered.load(Ordering::Relaxed) + BETWEEN;
        while self.registered.load(Ordering::Relaxed) < target {
            assert!(!self.running.is_finished(), "a device was refused");
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }

    async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.running.await.unwrap();
        self.registered.load(Ordering::Relaxed)
    }
}

/// The group before, while both are good, with the new one first, and after.
async fn switch(
    dps: &Arc<Dps>,
    owner: &Http,
    old: Vec<Device>,
    new: Vec<Device>,
    groups: [Value; 4],
) -> usize {
    let [before, both, swapped, after] = groups;
    assert_eq!(owner.put(GROUP, &before).await.status, 200);
    let old = Load::start(dps, old);
    old.goes_on().await;
    assert_eq!(owner.put(GROUP, &both).await.status, 200);
    let new = Load::start(dps, new);
    old.goes_on().await;
    new.goes_on().await;
    assert_eq!(owner.put(GROUP, &swapped).await.status, 200);
    old.goes_on().await;
    new.goes_on().await;
    // The last old leaf has been replaced.
    let registered = old.end().await;
    assert_eq!(owner.put(GROUP, &after).await.status, 200);
    new.goes_on().await;
    registered + new.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_authority_takes_over_and_no_registration_fails() {
    for_each_engine(async |db| {
        // Each device asks here more often than any would.
        let hubs = [Shelf::new(HUB_1), Shelf::new(HUB_2)];
        let dps = Bench::prepared(&db, &hubs, |settings| settings.limits.identity_burst = 1_000_000).await;
        let bench = Bench::running(dps);
        let owner = Http::owner(&bench.dps);
        let (old, new) = (root("plant-1"), root("plant-2"));
        let line = authority("line", &new);
        let with = |issuer: &_, between: Option<&_>| -> Vec<Device> {
            let device = |n| {
                let name = format!("d{n}");
                let leaf = leaf(&name, issuer);
                let chain: Vec<_> = std::iter::once(&leaf).chain(between).collect();
                Device::new(&name).with_chain(&chain)
            };
            (0..DEVICES).map(device).collect()
        };
        let (olds, news) = (with(&old, None), with(&line, Some(&line.certificate)));

        // Embedded in the group.
        let embedded = |primary: &muster_x509::Certificate, secondary: Option<&muster_x509::Certificate>| {
            let one = |certificate: &muster_x509::Certificate| json!({ "certificate": pem(certificate) });
            let pair = json!({ "primary": one(primary), "secondary": secondary.map(one) });
            json!({ "attestation": { "type": "x509", "x509": { "signingCertificates": pair } } })
        };
        let (o, n) = (&old.certificate, &new.certificate);
        let groups = [embedded(o, None), embedded(o, Some(n)), embedded(n, Some(o)), embedded(n, None)];
        let registered = switch(&bench.dps, &owner, olds.clone(), news.clone(), groups).await;
        assert!(registered >= 7 * BETWEEN);

        // By names, the new intermediate kept here: its devices send only their own certificate.
        for (name, of) in [("plant-1", &old), ("plant-2", &new)] {
            owner.store(name, json!({ "certificate": pem(&of.certificate), "isVerified": true })).await;
        }
        owner.store("line", json!({ "certificate": pem(&line.certificate), "kind": "intermediate" })).await;
        let groups = [
            referring("plant-1", None),
            referring("plant-1", Some("plant-2")),
            referring("plant-2", Some("plant-1")),
            referring("plant-2", None),
        ];
        let alone = with(&line, None);
        assert!(switch(&bench.dps, &owner, olds, alone, groups).await >= 7 * BETWEEN);
        let gone = owner.send("DELETE", "/certificates/plant-1", &[("if-match", "*")], "").await;
        assert_eq!(gone.status, 204);
        bench.close().await;
    })
    .await;
}
