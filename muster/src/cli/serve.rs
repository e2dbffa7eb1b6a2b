//! `muster serve`: the server in the foreground, until a signal.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::failure::Failure;
use super::show;
use super::target::DataArgs;
use crate::config::Config;
use crate::{Running, Server};

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    muster serve                                  # ready in a second, data in ./muster-data\n  \
    muster serve --data /var/lib/muster --config /etc/muster.toml\n\
    \nWhen it is ready it writes DIR/endpoints.json: names, ports, the CA, and the owner's keys.\n\
    Ctrl-C or SIGTERM stops it cleanly; kill -9 loses nothing that was acknowledged.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: DataArgs,
    /// The configuration file, see `muster config example`
    #[arg(long, short, value_name = "FILE", env = "MUSTER_CONFIG")]
    config: Option<PathBuf>,
    /// How much to log [default: as configured, else info]
    #[arg(long, value_name = "LEVEL", env = "MUSTER_LOG")]
    log: Option<String>,
    /// Print endpoints.json when ready, and nothing else
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let begun = Instant::now();
    let config = match &arguments.config {
        Some(file) => Config::load(file).map_err(|error| {
            Failure::new(format!("{}: {error}", file.display()))
                .fix("`muster config example` shows every key")
        })?,
        None => Config::default(),
    };
    begin_log(arguments.log.as_deref().unwrap_or(&config.log))?;
    let stop = stop_signal().map_err(|error| Failure::new(format!("cannot listen to signals: {error}")))?;
    let running = Server::start(config, &arguments.data.data).await.map_err(Failure::new)?;
    match arguments.json {
        true => show::json(&serde_json::to_value(running.endpoints()).map_err(Failure::new)?),
        false => introduce(&running, &arguments, begun),
    }
    stop.await;
    if !arguments.json {
        show::line("stopping …");
    }
    running.shutdown().await;
    Ok(())
}

/// Resolves at SIGTERM or Ctrl-C; installed before the start, so that neither is missed.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn begin_log(filter: &str) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter).map_err(|error| {
        Failure::new(format!("log level: {error}")).fix("--log info, or --log muster=debug,info")
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .try_init()
        .map_err(Failure::new)
}

fn introduce(running: &Running, arguments: &Arguments, begun: Instant) {
    let endpoints = running.endpoints();
    let ports = endpoints.ports;
    let ready_ms = begun.elapsed().as_millis();
    let data = arguments.data.data.display();
    show::line(format_args!(
        "Muster {} is ready ({ready_ms} ms): device provisioning and {}.\n",
        env!("CARGO_PKG_VERSION"),
        show::count(endpoints.hubs.len(), "hub", "hubs")
    ));
    let mut facts = vec![
        ("ID scope", endpoints.id_scope.clone()),
        ("provisioning", format!("{}   MQTT {}, HTTPS {}", endpoints.dps.host, ports.mqtts, ports.https)),
    ];
    for hub in &endpoints.hubs {
        let same = if hub.name == hub.host_name { String::new() } else { format!("   {}", hub.name) };
        facts.push(("hub", format!("{}{same}", hub.host_name)));
    }
    facts.push(("authority", format!("{}   EST {}", endpoints.ca.http_url, endpoints.ca.est_url)));
    facts.push(("trust", endpoints.ca_file.display().to_string()));
    facts.push(("keys", format!("{data}/{}", crate::endpoints::FILE)));
    show::facts(&facts);
    for notice in running.notices() {
        show::line(format_args!("\nnote: {notice}"));
    }
    let data = match arguments.data.data == std::path::Path::new(super::target::DATA_DEFAULT) {
        true => String::new(),
        false => format!(" --data {data}"),
    };
    let program = std::env::args().next().unwrap_or_else(|| "muster".to_owned());
    show::line(format_args!("\nNext, in another terminal:  {program} enrollment create my-device{data}"));
}
