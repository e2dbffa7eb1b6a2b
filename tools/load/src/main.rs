//! The benchmark: every figure beside its baseline, both from the same run, taken in turns.

mod ca;
mod connects;
mod disk;
mod figures;
mod fleet;
mod idle;
mod mosquitto;
mod muster;
mod pressure;
mod process;
mod publisher;
mod publishes;
mod ready;
mod registrations;
mod slow_disk;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use figures::Figures;

/// The usual 61 ticks between looks at the shared queue leave some of a thousand busy sockets waiting for 200 ms.
const QUEUE_INTERVAL: u32 = 4;

#[derive(Parser)]
#[command(name = "muster-load", about = "Measures a Muster server against what limits it, on this machine")]
struct Arguments {
    /// What to measure.
    #[arg(value_enum, default_value = "all")]
    what: What,
    /// How long each contender is measured in each round.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// How often the contenders take turns; medians are shown.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Prints JSON instead of the table.
    #[arg(long)]
    json: bool,
    /// The server's binary; by default the one beside this one.
    #[arg(long)]
    muster: Option<PathBuf>,
    /// Where the data folders are made; the disk under it is the one measured.
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// Slows the disk down, for every contender alike: a sync takes at least its share of a second.
    #[arg(long)]
    syncs_per_s: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    All,
    Registrations,
    Publishes,
    Connects,
    Idle,
    Ready,
    Ca,
}

/// What every measurement needs to know.
struct Setting {
    muster: PathBuf,
    scratch: PathBuf,
    seconds: f64,
    rounds: usize,
}

impl Setting {
    fn measured(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .global_queue_interval(QUEUE_INTERVAL)
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(&arguments)),
        Err(error) => Err(format!("no runtime: {error}")),
    };
    match outcome {
        Ok(figures) if arguments.json => println!("{}", figures.to_json()),
        Ok(figures) => print!("{}", figures.to_table()),
        Err(reason) => {
            eprintln!("muster-load: {reason}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

async fn run(arguments: &Arguments) -> Result<Figures, String> {
    let scratch = process::scratch(arguments.scratch.clone())?;
    if let Some(syncs_per_s) = arguments.syncs_per_s {
        slow_disk::settle(syncs_per_s, &scratch)?;
    }
    let setting = Setting {
        muster: muster::binary(arguments.muster.clone())?,
        scratch,
        seconds: arguments.seconds,
        rounds: arguments.rounds.max(1),
    };
    let outcome = measure(arguments.what, &setting).await;
    let _left_behind = std::fs::remove_dir_all(&setting.scratch);
    outcome
}

async fn measure(what: What, setting: &Setting) -> Result<Figures, String> {
    let mut figures = Figures::new(setting);
    let wanted = |one: What| what == What::All || what == one;
    if wanted(What::Ready) {
        ready::measure(setting, &mut figures).await?;
    }
    if wanted(What::Registrations) {
        registrations::measure(setting, &mut figures).await?;
    }
    if wanted(What::Connects) {
        connects::measure(setting, &mut figures).await?;
    }
    if wanted(What::Publishes) {
        publishes::measure(setting, &mut figures).await?;
    }
    if wanted(What::Idle) {
        idle::measure(setting, &mut figures).await?;
    }
    if wanted(What::Ca) {
        ca::measure(setting, &mut figures).await?;
    }
    Ok(figures)
}
