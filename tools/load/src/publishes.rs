//! QoS 1 publishes a second over TLS: ours durable, mosquitto's not, and the disk's own rate of durable appends.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::Setting;
use crate::disk::{Appends, appends};
use crate::figures::{Figure, Figures, Target, baseline, median, number};
use crate::fleet::Fleet;
use crate::mosquitto::Mosquitto;
use crate::muster::Muster;
use crate::pressure::{Taken, Window, gather};
use crate::process::Process;
use crate::publisher::publish;

const PAYLOAD_BYTES: usize = 256;
/// What one fdatasync covers when a hub is busy: 64 messages of the size published.
const GROUP_BYTES: usize = 64 * PAYLOAD_BYTES;
const PAGE_BYTES: usize = 4096;
const WARM_UP: Duration = Duration::from_secs(1);
const DISK_MEASURED: Duration = Duration::from_secs(1);

/// So many connections, each with so many messages not yet acknowledged.
struct Shape {
    connections: usize,
    in_flight: usize,
    wanted: &'static str,
    ratio_min: f64,
}

const SHAPES: [Shape; 2] = [
    Shape { connections: 50, in_flight: 16, wanted: ">= 3", ratio_min: 3.0 },
    Shape { connections: 1000, in_flight: 1, wanted: ">= 1", ratio_min: 1.0 },
];

pub(crate) async fn measure(setting: &Setting, figures: &mut Figures) -> Result<(), String> {
    eprintln!("publishes: QoS 1, {PAYLOAD_BYTES} B, in turns with mosquitto and the disk");
    let muster = Muster::start(&setting.muster, &setting.scratch.join("publishes")).await?;
    let mosquitto = Mosquitto::start(&setting.scratch).await?;
    let theirs = Fleet::of_mosquitto(&mosquitto);
    let most = SHAPES.iter().map(|shape| shape.connections).max().unwrap_or(0);
    let ours = Fleet::of_muster(&muster, most).await?;
    for shape in SHAPES {
        let (mut mine, mut others, mut pages, mut groups) = (vec![], vec![], vec![], vec![]);
        for _ in 0..setting.rounds {
            pages.push(appends(&setting.scratch, PAGE_BYTES, DISK_MEASURED)?);
            groups.push(appends(&setting.scratch, GROUP_BYTES, DISK_MEASURED)?);
            mine.push(shape.run(setting, &muster.process, &ours).await?);
            others.push(shape.run(setting, &mosquitto.process, &theirs).await?);
        }
        shape.show(&mine, &others, [&pages, &groups], figures);
    }
    Ok(())
}

impl Shape {
    async fn run(&self, setting: &Setting, server: &Process, fleet: &Fleet) -> Result<Taken, String> {
        let open = fleet.open_all(0..self.connections).await?;
        let window = Window::after(WARM_UP, setting.measured());
        let mut publishers = JoinSet::new();
        for (n, stream) in open {
            publishers.spawn(publish(stream, Fleet::template(n, PAYLOAD_BYTES), self.in_flight, window));
        }
        let cpu = window.watch(server).await;
        Taken::new(&gather(publishers).await?, &window, cpu)
    }

    fn show(&self, mine: &[Taken], others: &[Taken], disk: [&[Appends]; 2], figures: &mut Figures) {
        let per_s = median(mine, |it| it.per_s);
        let theirs_per_s = median(others, |it| it.per_s);
        let [pages, groups] = disk.map(|appends| median(appends, |it| it.per_s));
        let name = format!("durable publishes, {} x {}", self.connections, self.in_flight);
        figures.add(Figure {
            name: name.clone(),
            unit: "/s",
            value: per_s,
            baseline: baseline("mosquitto, not durable", per_s, theirs_per_s),
            target: Some(Target { wanted: self.wanted, met: per_s >= self.ratio_min * theirs_per_s }),
            note: format!("{}; mosquitto: {}", note(mine), note(others)),
        });
        figures.add(Figure {
            name: name.clone(),
            unit: "/s",
            value: per_s,
            baseline: baseline("4 KiB appends + fdatasync/s", per_s, pages),
            target: None,
            note: format!("fdatasync p99 {:.1} ms", median(disk[0], |it| it.p99_ms)),
        });
        figures.add(Figure {
            name,
            unit: "/s",
            value: per_s,
            baseline: baseline("messages/s in groups of 64", per_s, groups * 64.0),
            target: None,
            note: format!("{} such appends + fdatasync/s", number(groups)),
        });
    }
}

fn note(taken: &[Taken]) -> String {
    format!(
        "p50 {:.1} ms, p99 {:.1} ms, CPU us/message {:.2} (client {:.2})",
        median(taken, |it| it.p50_ms),
        median(taken, |it| it.p99_ms),
        median(taken, |it| it.server_cpu_us),
        median(taken, |it| it.client_cpu_us),
    )
}
