//! `muster-fleet`: devices that outlive their server. They provision and send, start over when it is gone, and in the end
//! compare what they were promised with what the server still knows.

mod acked;
mod device;
mod enrolled;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use acked::Acked;
use device::{Lived, Patience};
use enrolled::Enrolled;

/// The same for `muster serve`: with 61, the default, some of many busy sockets wait long.
const QUEUE_INTERVAL: u32 = 4;

#[derive(Parser)]
#[command(
    name = "muster-fleet",
    about = "Drives a running Muster from outside, through its crashes, and checks its promises"
)]
struct Arguments {
    /// What `muster serve` wrote when it was ready; read again whenever the server is gone.
    #[arg(long)]
    endpoints: PathBuf,
    #[arg(long, default_value_t = 100)]
    devices: usize,
    /// Telemetry of each device.
    #[arg(long, default_value_t = 20)]
    messages: u64,
    /// Every acknowledged message is written here, one line each, durably, before it counts.
    #[arg(long)]
    acked: PathBuf,
    /// Makes names, keys and pauses.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Devices that are busy at the same time.
    #[arg(long, default_value_t = 50)]
    concurrency: usize,
    /// Between two messages of a device, on average.
    #[arg(long, default_value_t = 10)]
    pause_ms: u64,
    /// When the server has not come back for so long, it is lost.
    #[arg(long, default_value_t = 60)]
    give_up_s: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .global_queue_interval(QUEUE_INTERVAL)
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(error) => Err(format!("no runtime: {error}")),
    };
    match outcome {
        Ok(problems) if problems.is_empty() => ExitCode::SUCCESS,
        Ok(problems) => {
            for problem in problems {
                eprintln!("muster-fleet: {problem}");
            }
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("muster-fleet: {reason}");
            ExitCode::from(2)
        }
    }
}

/// Gives what does not add up.
async fn run(arguments: Arguments) -> Result<Vec<String>, String> {
    let begun = Instant::now();
    let patience = Patience::new(arguments.endpoints.clone(), Duration::from_secs(arguments.give_up_s));
    let enrolled = Arc::new(Enrolled::make(arguments.seed, arguments.devices)?);
    enrolled.announce(&patience).await?;
    let acked = Acked::open(&arguments.acked)?;

    let gate = Arc::new(Semaphore::new(arguments.concurrency.max(1)));
    let mut living = JoinSet::new();
    for n in 0..arguments.devices {
        let (gate, enrolled, patience) = (gate.clone(), enrolled.clone(), patience.clone());
        let writer = acked.writer();
        let plan = device::Plan { messages: arguments.messages, pause_ms: arguments.pause_ms };
        living.spawn(async move {
            let _pass = gate.acquire().await.map_err(|error| error.to_string())?;
            device::live(&enrolled, n, &plan, &patience, &writer).await
        });
    }
    let mut problems = Vec::new();
    let mut lived: Vec<Lived> = Vec::new();
    while let Some(one) = living.join_next().await {
        match one.map_err(|error| error.to_string())? {
            Ok(one) => lived.push(one),
            Err(problem) => problems.push(problem),
        }
    }
    let written = acked.close()?;

    // The server may go down while it is asked, too; an answer counts only when it is complete.
    let mut attempt = patience.attempt();
    let found = loop {
        match verify::verify(&patience, &enrolled, &lived, &arguments.acked).await {
            Ok((found, wrong)) => {
                problems.extend(wrong);
                break found;
            }
            Err(reason) => attempt.failed(reason).await?,
        }
    };
    let summary = json!({
        "devices": arguments.devices,
        "assigned": lived.len(),
        "acknowledged": written,
        "found": found.acknowledged,
        "events": found.events,
        "repeated": found.repeated,
        "interruptions": lived.iter().map(|one| one.interruptions).sum::<u64>(),
        "resumed": lived.iter().filter(|one| one.resumed).count(),
        "problems": problems.len(),
        "seconds": begun.elapsed().as_secs_f64(),
    });
    println!("{summary}");
    Ok(problems)
}
