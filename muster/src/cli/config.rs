//! `muster config`: the configuration file, shown and checked.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::failure::Failure;
use super::show;
use crate::config::{Config, EXAMPLE};

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Print a documented configuration with every key and its default
    #[command(after_help = "Example:\n  muster config example > muster.toml")]
    Example,
    /// Check a file without starting anything
    Check(Check),
}

#[derive(Args, Debug)]
struct Check {
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.action {
        Action::Example => {
            show::line(EXAMPLE.trim_end());
            Ok(())
        }
        Action::Check(Check { file, json }) => check(&file, json),
    }
}

fn check(file: &std::path::Path, json: bool) -> Result<(), Failure> {
    let config = Config::load(file).map_err(|error| {
        Failure::new(format!("{}: {error}", file.display())).fix("`muster config example` shows every key")
    })?;
    let addresses: Vec<_> = config.addresses().iter().map(ToString::to_string).collect();
    if json {
        let hubs =
            config.hubs.iter().map(|hub| json!({ "name": hub.name, "host": hub.host, "weight": hub.weight }));
        show::json(&json!({
            "listen": addresses,
            "ports": config.ports,
            "dps": { "host": config.dps.host },
            "hubs": hubs.collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    let mut facts = vec![
        ("file", format!("{} is good", file.display())),
        ("listens on", addresses.join(", ")),
        (
            "ports",
            format!("MQTT {}, HTTPS {}, HTTP {}", config.ports.mqtts, config.ports.https, config.ports.http),
        ),
        ("provisioning", config.dps.host.to_string()),
    ];
    facts.extend(
        config.hubs.iter().map(|hub| ("hub", format!("{} at {}, weight {}", hub.name, hub.host, hub.weight))),
    );
    show::facts(&facts);
    Ok(())
}
