//! A whole server in this process, on free ports and a temporary folder, asked over real sockets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod authority;
mod command_line;
mod first_boot;
mod foreign;
mod limits;
mod linked_hub;
mod listed;
mod nodes;
mod plain_http;
mod renewal;
mod revocation;
mod session;
mod start;
mod tls;
mod web;

use std::time::Duration;

use muster::config::Config;
use muster::{Running, Server};
use muster_simulator::{Endpoint, Endpoints, HubEntry, ServiceClient, Trust};
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with the folder it lives in.
struct Fixture {
    running: Running,
    folder: TempDir,
    endpoints: Endpoints,
    trust: Trust,
}

impl Fixture {
    async fn start() -> Self {
        Self::with(Config::on_free_ports()).await
    }

    async fn with(config: Config) -> Self {
        Self::on(config, tempfile::tempdir().unwrap()).await
    }

    async fn on(config: Config, folder: TempDir) -> Self {
        let running = Server::start(config, folder.path()).await.unwrap();
        let endpoints = Endpoints::read(&folder.path().join("endpoints.json")).unwrap();
        let trust = endpoints.trust().unwrap();
        Self { running, folder, endpoints, trust }
    }

    /// Stops it and starts it again on the same folder.
    async fn restart(self) -> Self {
        let Self { running, folder, .. } = self;
        running.shutdown().await;
        Self::on(Config::on_free_ports(), folder).await
    }

    fn dps(&self) -> ServiceClient {
        self.endpoints.dps_service(&self.trust).unwrap()
    }

    fn hub(&self) -> (&HubEntry, ServiceClient) {
        let hub = &self.endpoints.hubs[0];
        (hub, self.endpoints.hub_service(hub, &self.trust).unwrap())
    }

    /// The MQTT listener, by the name of DPS.
    fn mqtts(&self) -> Endpoint {
        self.endpoints.dps().endpoint
    }

    fn https(&self) -> Endpoint {
        self.endpoints.dps_https().endpoint
    }
}

/// Asks until it holds.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let asking = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The same, for what is asked over a socket.
async fn eventually_async(what: &str, holds: impl AsyncFn() -> bool) {
    let asking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("never: {what}"));
}
