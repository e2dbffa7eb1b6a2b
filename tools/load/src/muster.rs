//! `muster serve` as a process of its own, on an empty folder and free ports, as a user would run it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use muster_simulator::{Endpoints, ServiceClient, Trust};

use crate::process::Process;

const READY_WITHIN: Duration = Duration::from_secs(30);

/// One hub, so that one log is measured; names that need no resolver; nothing that throttles a benchmark's one address.
const CONFIGURATION: &str = r#"
listen = "127.0.0.1"
ports = { mqtts = 0, https = 0, amqps = 0, http = 0 }
dps = { host = "dps.example.test" }
hubs = [ { name = "hub-1", host = "hub-1.example.test", weight = 1 } ]
log = "warn"

[limits]
connects_per_s = 1000000
connects_burst = 1000000
"#;

/// The server's binary, release build.
pub(crate) fn binary(told: Option<PathBuf>) -> Result<PathBuf, String> {
    let path = match told {
        Some(path) => path,
        None => std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("muster"),
    };
    if !path.is_file() {
        let path = path.display();
        return Err(format!("no server at `{path}`: build it with `cargo build --release --bin muster`"));
    }
    if cfg!(debug_assertions) {
        eprintln!(
            "muster-load: this is a debug build, its figures mean nothing; use `cargo run --release -p muster-load`"
        );
    }
    Ok(path)
}

pub(crate) struct Muster {
    pub(crate) process: Process,
    pub(crate) endpoints: Endpoints,
    pub(crate) trust: Trust,
}

impl Muster {
    /// Starts on `data`, which may be empty, and waits until it is ready.
    pub(crate) async fn start(binary: &Path, data: &Path) -> Result<Muster, String> {
        let failed = |error: std::io::Error| format!("cannot prepare {}: {error}", data.display());
        fs::create_dir_all(data).map_err(failed)?;
        let configuration = data.with_extension("toml");
        fs::write(&configuration, CONFIGURATION).map_err(failed)?;
        let announced = data.join("endpoints.json");
        if announced.exists() {
            fs::remove_file(&announced).map_err(failed)?;
        }
        let log = data.with_extension("log");
        let mut command = Command::new(binary);
        command.arg("serve").arg("--data").arg(data).arg("--config").arg(&configuration);
        let mut process = Process::start(&mut command, &log)?;
        process.until("muster serve", &log, READY_WITHIN, || announced.exists()).await?;
        let endpoints = Endpoints::read(&announced).map_err(|error| error.to_string())?;
        let trust = endpoints.trust().map_err(|error| error.to_string())?;
        Ok(Muster { process, endpoints, trust })
    }

    pub(crate) fn dps_service(&self) -> Result<ServiceClient, String> {
        self.endpoints.dps_service(&self.trust).map_err(|error| error.to_string())
    }

    pub(crate) fn hub_service(&self) -> Result<ServiceClient, String> {
        let hub = self.endpoints.hubs.first().ok_or("no hub")?;
        self.endpoints.hub_service(hub, &self.trust).map_err(|error| error.to_string())
    }

    pub(crate) fn hub_host(&self) -> String {
        self.endpoints.hubs.first().map(|hub| hub.host_name.clone()).unwrap_or_default()
    }
}
