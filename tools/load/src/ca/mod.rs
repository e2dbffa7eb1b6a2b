//! Certificates: the authority beside cfssl, both asked by the same client for the same, and beside what limits both.

mod cfssl;
mod client;
mod limits;
mod materials;
mod unrecorded;

use std::path::Path;
use std::time::Duration;

use crate::Setting;
use crate::figures::{Figure, Figures, Target, baseline, median};
use crate::muster::Muster;
use crate::pressure::{Pressure, Taken};
use crate::process::Process;

use cfssl::{Cfssl, Records};
use client::Asking;
use materials::Materials;
use unrecorded::Unrecorded;

/// How many clients ask at a time, each on a connection of its own, each for the next when it has the last.
const CLIENTS: [usize; 3] = [2, 4, 16];
const WARM_UP: Duration = Duration::from_millis(500);
/// Without records: certificates for each second of the server's CPU time.
const UNRECORDED_RATIO_WANTED: f64 = 2.0;
/// Durable: certificates a second, and how long one of a hundred may take.
const DURABLE_RATIO_WANTED: f64 = 10.0;
const DURABLE_P99_MS_WANTED: f64 = 30.0;
/// From so many clients on the durable figures are promised: fewer wait for the disk one after the other.
const DURABLE_FROM_CLIENTS: usize = 4;
/// What Let's Encrypt designed its whole signing system for, at its peak.
const LETS_ENCRYPT_PEAK_PER_S: f64 = 2315.0;

pub(crate) async fn measure(setting: &Setting, figures: &mut Figures) -> Result<(), String> {
    let scratch = setting.scratch.join("ca");
    cfssl::install()?;
    let materials = Materials::make(&scratch)?;
    eprintln!("certificates: what P-256 and the disk can do at best");
    limits::measure(setting, figures, &scratch)?;
    unrecorded_ones(setting, figures, &materials, &scratch).await?;
    durable_ones(setting, figures, &materials, &scratch).await
}

/// Read, verified, judged, linted, signed, and forgotten.
async fn unrecorded_ones(
    setting: &Setting,
    figures: &mut Figures,
    materials: &Materials,
    scratch: &Path,
) -> Result<(), String> {
    eprintln!("certificates without records: ours in turns with cfssl");
    let ours = Unrecorded::start(&setting.muster, materials, scratch).await?;
    let theirs = Cfssl::start(materials, Records::None, scratch).await?;
    for clients in CLIENTS {
        let (mut our, mut their) = (Vec::new(), Vec::new());
        for _ in 0..setting.rounds {
            their.push(asked(setting, clients, &theirs.process, &theirs.asking).await?);
            our.push(asked(setting, clients, &ours.process, &ours.asking).await?);
        }
        let per_cpu_s = |of: &[Taken]| median(of, |it| 1e6 / it.server_cpu_us);
        let (value, their_value) = (per_cpu_s(&our), per_cpu_s(&their));
        figures.add(Figure {
            name: format!("without records, {clients} clients"),
            unit: "/CPU-s",
            value,
            baseline: baseline("cfssl/CPU-s", value, their_value),
            target: Some(Target { wanted: ">= 2", met: value >= UNRECORDED_RATIO_WANTED * their_value }),
            note: beside(&our, &their),
        });
    }
    Ok(())
}

/// Recorded, with an audit entry and a place in the transparency log, all durable before the answer.
async fn durable_ones(
    setting: &Setting,
    figures: &mut Figures,
    materials: &Materials,
    scratch: &Path,
) -> Result<(), String> {
    eprintln!("durable certificates: muster serve over HTTPS in turns with cfssl and its database over HTTP");
    let muster = Muster::start(&setting.muster, &scratch.join("muster")).await?;
    let ours = materials.of_muster(&muster)?;
    let theirs = Cfssl::start(materials, Records::Sqlite, scratch).await?;
    for clients in CLIENTS {
        let (mut our, mut their) = (Vec::new(), Vec::new());
        let failed_before = theirs.asking.failed();
        for _ in 0..setting.rounds {
            their.push(asked(setting, clients, &theirs.process, &theirs.asking).await?);
            our.push(asked(setting, clients, &muster.process, &ours).await?);
        }
        let note = match theirs.asking.failed() - failed_before {
            0 => beside(&our, &their),
            failed => format!("{}, {failed} answered `database is locked`", beside(&our, &their)),
        };
        let (value, their_value) = (median(&our, |it| it.per_s), median(&their, |it| it.per_s));
        let p99_ms = median(&our, |it| it.p99_ms);
        let met = value >= DURABLE_RATIO_WANTED * their_value && p99_ms < DURABLE_P99_MS_WANTED;
        figures.add(Figure {
            name: format!("durable, {clients} clients"),
            unit: "/s",
            value,
            baseline: baseline("cfssl+sqlite/s", value, their_value),
            target: (clients >= DURABLE_FROM_CLIENTS).then_some(Target { wanted: ">= 10, p99 < 30 ms", met }),
            note,
        });
        if CLIENTS.last() == Some(&clients) {
            figures.add(Figure {
                name: "  of Let's Encrypt's peak".to_owned(),
                unit: "/s",
                value,
                baseline: baseline("/s, theirs by design", value, LETS_ENCRYPT_PEAK_PER_S),
                target: None,
                note: "one machine, with the client on it, beside a whole authority".to_owned(),
            });
        }
    }
    muster.process.stop()
}

async fn asked(
    setting: &Setting,
    clients: usize,
    server: &Process,
    asking: &Asking,
) -> Result<Taken, String> {
    let pressure = Pressure { workers: clients, warm_up: WARM_UP, measured: setting.measured() };
    let asking = asking.clone();
    let ask = move || {
        let asking = asking.clone();
        async move { asking.ask().await }
    };
    pressure.apply(server, ask).await
}

fn beside(ours: &[Taken], theirs: &[Taken]) -> String {
    let one = |of: &[Taken]| {
        format!(
            "{:.0}/s, p50 {:.1} ms, p99 {:.1} ms, {:.0} CPU us each",
            median(of, |it| it.per_s),
            median(of, |it| it.p50_ms),
            median(of, |it| it.p99_ms),
            median(of, |it| it.server_cpu_us),
        )
    };
    format!("{}; cfssl {}", one(ours), one(theirs))
}
