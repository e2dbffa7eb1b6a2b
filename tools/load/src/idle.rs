//! Memory of a server per idle TLS connection that has said CONNECT: how much its resident set grows.

use std::process::Command;
use std::time::Duration;

use crate::Setting;
use crate::figures::{Figure, Figures, Target, baseline};
use crate::fleet::Fleet;
use crate::mosquitto::Mosquitto;
use crate::muster::Muster;
use crate::process::Process;

const COUNTS: [usize; 2] = [2_000, 10_000];
const KIB_WANTED: f64 = 20.0;
/// Until buffers of the handshakes are given back.
const SETTLE: Duration = Duration::from_secs(2);
/// Open before anything is counted: what the first connection makes the server allocate is not a connection's price.
const FIRST: usize = 50;
/// Files open besides the connections.
const OTHER_FILES: usize = 200;

pub(crate) async fn measure(setting: &Setting, figures: &mut Figures) -> Result<(), String> {
    let most = COUNTS[1].min(open_files(COUNTS[1] + FIRST + OTHER_FILES)? - FIRST - OTHER_FILES);
    eprintln!("idle: up to {most} connections, to each server");
    let counts = [COUNTS[0].min(most), most];
    let muster = Muster::start(&setting.muster, &setting.scratch.join("idle")).await?;
    let ours = grow(&muster.process, &Fleet::of_muster(&muster, FIRST + most).await?, counts).await?;
    let mosquitto = Mosquitto::start(&setting.scratch).await?;
    let theirs = grow(&mosquitto.process, &Fleet::of_mosquitto(&mosquitto), counts).await?;
    for ((count, ours), theirs) in counts.into_iter().zip(ours).zip(theirs) {
        figures.add(Figure {
            name: format!("memory per idle connection, {count}"),
            unit: "KiB",
            value: ours,
            baseline: baseline("mosquitto", ours, theirs),
            target: Some(Target { wanted: "<= 20 KB", met: ours <= KIB_WANTED }),
            note: "growth of the resident set".to_owned(),
        });
    }
    Ok(())
}

/// KiB a connection, at each of the counts.
async fn grow(server: &Process, fleet: &Fleet, counts: [usize; 2]) -> Result<Vec<f64>, String> {
    let mut open = fleet.open_all(0..FIRST).await?;
    tokio::time::sleep(SETTLE).await;
    let before = server.rss_kib();
    let mut found = Vec::new();
    for count in counts {
        open.extend(fleet.open_all(open.len()..FIRST + count).await?);
        tokio::time::sleep(SETTLE).await;
        found.push((server.rss_kib().saturating_sub(before)) as f64 / count as f64);
    }
    Ok(found)
}

/// Raises the limit of open files, for us and for the servers we start; gives what it is now.
fn open_files(wanted: usize) -> Result<usize, String> {
    let (soft, hard) = limits()?;
    if soft >= wanted {
        return Ok(soft);
    }
    let pid = std::process::id().to_string();
    let to = format!("--nofile={}:", wanted.min(hard));
    // Part of util-linux; where it is missing, the limit stays, and fewer connections are measured.
    let _raised = Command::new("prlimit").args(["--pid", &pid, &to]).status();
    let (soft, _) = limits()?;
    if soft < wanted {
        eprintln!(
            "muster-load: only {soft} open files are allowed here; `ulimit -n {wanted}` would measure more"
        );
    }
    match soft > FIRST + OTHER_FILES + COUNTS[0] / 2 {
        true => Ok(soft),
        false => Err(format!("{soft} open files are too few to measure idle connections")),
    }
}

fn limits() -> Result<(usize, usize), String> {
    let text = std::fs::read_to_string("/proc/self/limits").map_err(|error| error.to_string())?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    let mut numbers = line.split_whitespace().map(|word| word.parse().unwrap_or(usize::MAX));
    match (numbers.next(), numbers.next()) {
        (Some(soft), Some(hard)) => Ok((soft, hard)),
        _ => Err("cannot read the limit of open files".to_owned()),
    }
}
