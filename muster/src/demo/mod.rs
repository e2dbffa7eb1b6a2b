//! `muster demo`: a server, a thousand devices that have never been seen, and a table that must add up.

mod boot;
mod enroll;
mod figures;
mod folder;
mod plan;
mod progress;
mod readback;
mod show;
mod strangers;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use muster_simulator::Endpoints;

use crate::config::{Config, ConfigError, Ports};
use crate::server::{Running, Server, StartError};

use boot::Booted;
use figures::{Figures, Latency, Seconds};
use folder::Folder;
use plan::Plan;
use progress::Progress;

/// Two hubs of different weight, and the least patience the protocol can ask for.
const CONFIGURATION: &str = include_str!("demo.toml");

/// Devices that boot at the same time; most of them wait for `retry-after` at any moment.
const AT_A_TIME_MAX: usize = 400;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How many devices boot.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    devices: u32,
    /// Keeps the data folder, and says how to continue with it.
    #[arg(long)]
    keep: bool,
    /// Prints JSON, and nothing while it runs.
    #[arg(long)]
    json: bool,
    /// Where to keep the data; without it, a folder that is removed in the end.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Makes the devices' keys; a random one by default.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Folder(#[from] folder::FolderError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Endpoints(#[from] muster_simulator::EndpointsError),
    #[error(transparent)]
    Trust(#[from] muster_simulator::TrustError),
    #[error(transparent)]
    Factory(#[from] muster_simulator::factory::FactoryError),
    #[error("cannot enroll: {0}")]
    Enroll(muster_simulator::ServiceError),
    #[error("cannot read back: {0}")]
    ReadBack(#[from] readback::ReadBackError),
    #[error("interrupted")]
    Interrupted,
}

/// Succeeds only when every figure adds up.
pub async fn run(arguments: Arguments) -> ExitCode {
    // Boxed: the whole demo in one future is too much for a stack.
    let outcome = tokio::select! {
        outcome = Box::pin(demo(&arguments)) => outcome,
        _ = tokio::signal::ctrl_c() => Err(DemoError::Interrupted),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("muster demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(arguments: &Arguments) -> Result<bool, DemoError> {
    let begun = Instant::now();
    let folder = Folder::make(arguments.data.as_deref(), arguments.keep)?;
    folder.write_configuration(CONFIGURATION)?;
    let mut config = Config::parse(CONFIGURATION)?;
    config.ports = Ports { mqtts: 0, https: 0, amqps: 0, http: 0 };
    let hubs = config.hubs.iter().map(|hub| (hub.host.to_string(), hub.weight)).collect();

    let progress = Arc::new(Progress::new(arguments.json));
    let server = Server::start(config, folder.path()).await?;
    let started = begun.elapsed();
    progress.say(&format!("A server is ready in {}", folder.path().display()));
    let outcome = Box::pin(play(arguments, &folder, hubs, &progress, started)).await;
    stop(server, &progress).await;
    let mut figures = outcome?;
    figures.seconds.total = begun.elapsed().as_secs_f64();

    let problems = figures.problems();
    match arguments.json {
        true => println!("{}", show::json(&figures, &problems)),
        false => print!("{}", show::tables(&figures, &problems)),
    }
    if let Some(how) = folder.how_to_continue() {
        eprintln!("{how}");
    }
    Ok(problems.is_empty())
}

async fn stop(server: Running, progress: &Progress) {
    progress.end();
    server.shutdown().await;
}

/// Weights by host name.
type Weights = HashMap<String, u32>;

async fn play(
    arguments: &Arguments,
    folder: &Folder,
    weights: Weights,
    progress: &Arc<Progress>,
    started: Duration,
) -> Result<Figures, DemoError> {
    let endpoints = Arc::new(Endpoints::read(&folder.path().join(crate::endpoints::FILE))?);
    let trust = endpoints.trust()?;
    let service = endpoints.dps_service(&trust)?;

    let at = Instant::now();
    let seed = arguments.seed.unwrap_or_else(random);
    let plan = Plan::new(arguments.devices as usize, seed)?;
    let individuals = readback::individuals(&plan);
    let enrollments = enroll::enroll(&service, &plan, seed).await.map_err(DemoError::Enroll)?;
    let enrolled = at.elapsed();
    progress.say(&format!(
        "{enrollments} enrollments, and {} devices with a key or a certificate each",
        plan.devices.len()
    ));

    let at = Instant::now();
    let devices = plan.devices.len() as u64;
    progress.begin(devices, devices * boot::MESSAGES_EACH);
    let ((booted, failures), refused) = tokio::join!(
        boot::boot_all(&endpoints, &trust, plan.devices, at_a_time(), progress),
        strangers::try_all(&endpoints, &trust, &service, plan.strangers),
    );
    let took = at.elapsed();

    let at = Instant::now();
    let recorded = readback::registrations(&endpoints, &trust, &individuals).await?;
    let messages = readback::messages(&endpoints, &trust, &booted).await?;
    let twins = readback::twins(&endpoints, &trust, &booted).await?;
    Ok(Figures {
        devices,
        assigned: booted.len() as u64,
        recorded,
        hubs: shares(&endpoints, &weights, &booted),
        latency: latency(&booted),
        messages,
        twins,
        refused,
        seconds: Seconds {
            start: started.as_secs_f64(),
            enroll: enrolled.as_secs_f64(),
            boot: took.as_secs_f64(),
            check: at.elapsed().as_secs_f64(),
            total: 0.0,
        },
        failures,
    })
}

fn shares(endpoints: &Endpoints, weights: &Weights, booted: &[Booted]) -> Vec<figures::HubShare> {
    let hubs = endpoints.hubs.iter().map(|hub| {
        let devices = booted.iter().filter(|device| device.hub == hub.host_name).count() as u64;
        let weight = weights.get(&hub.host_name).copied().unwrap_or(0);
        (hub.name.clone(), hub.host_name.clone(), weight, devices)
    });
    figures::shares(hubs.collect(), booted.len() as u64)
}

fn latency(booted: &[Booted]) -> Vec<Latency> {
    let ms = |step: fn(&Booted) -> Duration| booted.iter().map(|it| step(it).as_secs_f64() * 1e3).collect();
    vec![
        figures::latency("from nothing to the first acknowledged message", ms(|it| it.total)),
        figures::latency(
            "  TCP and TLS to the provisioning service",
            ms(|it| it.timings.tcp + it.timings.tls),
        ),
        figures::latency("  CONNECT to CONNACK", ms(|it| it.timings.connect)),
        figures::latency("  register to its answer", ms(|it| it.timings.register)),
        figures::latency("  waiting, because retry-after says so", ms(|it| it.timings.waited)),
        figures::latency("  polls", ms(|it| it.timings.assign.saturating_sub(it.timings.waited))),
        figures::latency("  TCP, TLS and CONNECT to the hub", ms(|it| it.hub_connect)),
        figures::latency("  first message to its acknowledgement", ms(|it| it.first_message)),
    ]
}

/// A device in the air is two open files here, its end and the server's.
fn at_a_time() -> usize {
    const OTHERS: usize = 200;
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok());
    let files: usize = soft.unwrap_or(1024);
    (files.saturating_sub(OTHERS) / 2).clamp(1, AT_A_TIME_MAX)
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    crate::entropy::system()(&mut bytes);
    u64::from_le_bytes(bytes)
}
