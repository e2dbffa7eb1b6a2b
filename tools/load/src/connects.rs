//! Connections a second: TLS, CONNECT with a shared access signature, CONNACK; mosquitto without the signature.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use muster_mqtt::Packet;

use crate::Setting;
use crate::figures::{Figure, Figures, baseline, median};
use crate::fleet::Fleet;
use crate::mosquitto::Mosquitto;
use crate::muster::Muster;
use crate::pressure::{Pressure, Taken};
use crate::process::Process;
use crate::registrations::bare;

const WORKERS: usize = 64;
const WARM_UP: Duration = Duration::from_millis(500);
/// More than connect at once, so that no device takes its own connection over.
const DEVICES: usize = 1000;

pub(crate) async fn measure(setting: &Setting, figures: &mut Figures) -> Result<(), String> {
    eprintln!("connects: in turns with bare TLS handshakes and mosquitto");
    let muster = Muster::start(&setting.muster, &setting.scratch.join("connects")).await?;
    let mosquitto = Mosquitto::start(&setting.scratch).await?;
    let ours = Fleet::of_muster(&muster, DEVICES).await?;
    let theirs = Fleet::of_mosquitto(&mosquitto);

    let (mut connects, mut handshakes, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..setting.rounds {
        handshakes.push(bare(setting, &muster, &ours.endpoint).await?);
        connects.push(connect(setting, &muster.process, &ours).await?);
        others.push(connect(setting, &mosquitto.process, &theirs).await?);
    }
    let per_s = median(&connects, |it| it.per_s);
    figures.add(Figure {
        name: "connects".to_owned(),
        unit: "/s",
        value: per_s,
        baseline: baseline("TLS handshakes/s", per_s, median(&handshakes, |it| it.per_s)),
        target: None,
        note: note(&connects),
    });
    figures.add(Figure {
        name: "connects".to_owned(),
        unit: "/s",
        value: per_s,
        baseline: baseline("mosquitto", per_s, median(&others, |it| it.per_s)),
        target: None,
        note: format!("mosquitto: {}", note(&others)),
    });
    Ok(())
}

fn note(taken: &[Taken]) -> String {
    format!(
        "p50 {:.1} ms, p99 {:.1} ms; CPU us each: server {:.0}, client {:.0}",
        median(taken, |it| it.p50_ms),
        median(taken, |it| it.p99_ms),
        median(taken, |it| it.server_cpu_us),
        median(taken, |it| it.client_cpu_us),
    )
}

async fn connect(setting: &Setting, server: &Process, fleet: &Fleet) -> Result<Taken, String> {
    let next = Arc::new(AtomicUsize::new(0));
    let fleet = fleet.clone();
    let connect = move || {
        let n = next.fetch_add(1, Ordering::Relaxed) % DEVICES;
        let fleet = fleet.clone();
        async move {
            let mut session = fleet.open(n).await?;
            session.send(&[Packet::Disconnect]).await.map_err(|error| error.to_string())
        }
    };
    let pressure = Pressure { workers: WORKERS, warm_up: WARM_UP, measured: setting.measured() };
    pressure.apply(server, connect).await
}
