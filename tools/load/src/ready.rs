//! Time from exec to ready: `endpoints.json` is written, on an empty folder and on one that was used.

use std::process::Command;
use std::time::Instant;

use crate::Setting;
use crate::figures::{Figure, Figures, Target, baseline, median};
use crate::muster::Muster;

const RUNS: usize = 10;
const SECONDS_WANTED: f64 = 1.0;

pub(crate) async fn measure(setting: &Setting, figures: &mut Figures) -> Result<(), String> {
    eprintln!("ready: {RUNS} starts on empty folders, each started again");
    let (mut empty, mut used, mut exec) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        let folder = setting.scratch.join(format!("ready-{run}"));
        exec.push(version(setting)?);
        for times in [&mut empty, &mut used] {
            let begun = Instant::now();
            let muster = Muster::start(&setting.muster, &folder).await?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            muster.process.stop()?;
        }
    }
    let exec = median(&exec, |it| *it);
    for (name, times) in [("ready on an empty folder", &empty), ("ready on a used folder", &used)] {
        let value = median(times, |it| *it);
        let slowest = times.iter().copied().fold(0.0, f64::max);
        figures.add(Figure {
            name: name.to_owned(),
            unit: "ms",
            value,
            baseline: baseline("ms, exec alone", value, exec),
            target: Some(Target { wanted: "< 1 s", met: slowest < SECONDS_WANTED * 1e3 }),
            note: format!("slowest of {RUNS}: {slowest:.0} ms"),
        });
    }
    Ok(())
}

/// What starting and ending the binary takes when it has nothing to do.
fn version(setting: &Setting) -> Result<f64, String> {
    let begun = Instant::now();
    let ended = Command::new(&setting.muster).arg("--version").output();
    ended.map_err(|error| format!("cannot start {}: {error}", setting.muster.display()))?;
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}
