//! First boots a second, against bare TLS handshakes a second on the same listener by the same client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use muster_simulator::{
    DeviceKey, Dps, Endpoint, Key, Options, Outcome, Polling, Trust, enrollments, provision,
};
use tokio::io::AsyncWriteExt;

use crate::Setting;
use crate::figures::{Figure, Figures, Target, baseline, median};
use crate::muster::Muster;
use crate::pressure::{Pressure, Taken};

/// Devices that boot at the same time; most of them wait for their poll.
const WORKERS: usize = 128;
const WARM_UP: Duration = Duration::from_millis(500);
/// Before a poll, doubled each time: the server's patience (`retry-after`) is not what is measured. Long enough that one
/// poll is the rule, as it is for devices that wait as they are told.
const POLL_PAUSE: Duration = Duration::from_millis(15);
const GROUP: &str = "bench";
const GROUP_KEY: [u8; 32] = *b"the group key that a bench owns.";

#[derive(Default)]
struct Counted {
    begun: AtomicU64,
    ended: AtomicU64,
    polls: AtomicU64,
}

impl Counted {
    fn polls_each(&self) -> f64 {
        self.polls.load(Ordering::Relaxed) as f64 / self.ended.load(Ordering::Relaxed).max(1) as f64
    }
}

pub(crate) async fn measure(setting: &Setting, figures: &mut Figures) -> Result<(), String> {
    eprintln!("registrations: first boots in turns with bare TLS handshakes");
    let muster = Muster::start(&setting.muster, &setting.scratch.join("registrations")).await?;
    let key = Key::from_bytes(GROUP_KEY.to_vec()).map_err(|error| error.to_string())?;
    let group = enrollments::symmetric_group(GROUP, &key);
    muster.dps_service()?.put_group(&group).await.map_err(|error| error.to_string())?;
    let dps = muster.endpoints.dps();

    let counted = Arc::new(Counted::default());
    let (mut boots, mut handshakes) = (Vec::new(), Vec::new());
    for _ in 0..setting.rounds {
        handshakes.push(bare(setting, &muster, &dps.endpoint).await?);
        boots.push(boot(setting, &muster, &dps, &key, &counted).await?);
    }

    let per_s = median(&boots, |it| it.per_s);
    let bare_per_s = median(&handshakes, |it| it.per_s);
    figures.add(Figure {
        name: "first-boot registrations".to_owned(),
        unit: "/s",
        value: per_s,
        baseline: baseline("TLS handshakes/s", per_s, bare_per_s),
        target: Some(Target { wanted: ">= 0.50", met: per_s >= 0.5 * bare_per_s }),
        note: format!(
            "p50 {:.1} ms, p99 {:.1} ms; CPU us each: server {:.0}, client {:.0}; {:.2} polls each",
            median(&boots, |it| it.p50_ms),
            median(&boots, |it| it.p99_ms),
            median(&boots, |it| it.server_cpu_us),
            median(&boots, |it| it.client_cpu_us),
            counted.polls_each(),
        ),
    });
    figures.add(Figure {
        name: "bare TLS 1.3 handshakes".to_owned(),
        unit: "/s",
        value: bare_per_s,
        baseline: None,
        target: None,
        note: format!(
            "p50 {:.1} ms, p99 {:.1} ms; CPU us each: server {:.0}, client {:.0}",
            median(&handshakes, |it| it.p50_ms),
            median(&handshakes, |it| it.p99_ms),
            median(&handshakes, |it| it.server_cpu_us),
            median(&handshakes, |it| it.client_cpu_us),
        ),
    });
    Ok(())
}

fn pressure(setting: &Setting) -> Pressure {
    Pressure { workers: WORKERS, warm_up: WARM_UP, measured: setting.measured() }
}

/// A new connection, a full handshake, a farewell.
pub(crate) async fn bare(setting: &Setting, muster: &Muster, at: &Endpoint) -> Result<Taken, String> {
    let (trust, at) = (muster.trust.clone(), at.clone());
    let handshake = move || {
        let (trust, at) = (trust.clone(), at.clone());
        async move {
            let mut stream = trust.connect(&at).await.map_err(|error| error.to_string())?;
            stream.shutdown().await.map_err(|error| error.to_string())
        }
    };
    pressure(setting).apply(&muster.process, handshake).await
}

async fn boot(
    setting: &Setting,
    muster: &Muster,
    dps: &Dps,
    group_key: &Key,
    counted: &Arc<Counted>,
) -> Result<Taken, String> {
    let trust = muster.trust.clone();
    let shared = Arc::new((dps.clone(), group_key.clone(), options()));
    let counted = counted.clone();
    let first_boot = move || {
        let (shared, trust) = (shared.clone(), trust.clone());
        let counted = counted.clone();
        async move {
            let registration_id = format!("first-{:07}", counted.begun.fetch_add(1, Ordering::Relaxed));
            let (dps, group_key, options) = &*shared;
            let polls = one(dps, &registration_id, group_key, &trust, options).await?;
            counted.ended.fetch_add(1, Ordering::Relaxed);
            counted.polls.fetch_add(polls.into(), Ordering::Relaxed);
            Ok(())
        }
    };
    pressure(setting).apply(&muster.process, first_boot).await
}

fn options() -> Options {
    Options { polling: Polling::Eager { pause: POLL_PAUSE }, ..Options::default() }
}

async fn one(
    dps: &Dps,
    registration_id: &str,
    group_key: &Key,
    trust: &Trust,
    options: &Options,
) -> Result<u32, String> {
    let credential = DeviceKey::Symmetric { key: group_key.derive(registration_id) };
    match provision(dps, registration_id, &credential, trust, options).await {
        Ok(Outcome::Assigned(assigned)) => Ok(assigned.timings.polls),
        Ok(Outcome::Refused(refused)) => Err(format!("{registration_id} was refused: {}", refused.message)),
        Err(error) => Err(format!("{registration_id}: {error}")),
    }
}
