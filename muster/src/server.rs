//! The server as one value: started from a configuration and a data folder, stopped in order.

use std::net::SocketAddr;
use std::path::Path;

use crate::config::Config;
use crate::endpoints::Endpoints;

pub struct Server;

/// A server that listens. Dropping it without [`Running::shutdown`] is a crash, and as safe as one.
pub struct Running {
    endpoints: Endpoints,
    addresses: Vec<SocketAddr>,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("not built yet")]
    Unbuilt,
}

impl Server {
    /// Returns when every listener accepts and `endpoints.json` is written.
    pub async fn start(config: Config, data: &Path) -> Result<Running, StartError> {
        let _ = (config, data);
        Err(StartError::Unbuilt)
    }
}

impl Running {
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Where the MQTT and HTTPS listeners are bound, for clients on this machine when host names do not resolve.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The event log of a hub in this process, by hub name.
    pub fn log(&self, hub: &str) -> Option<muster_events::Log> {
        let _ = hub;
        None
    }

    /// Stops accepting, lets connections end, closes the stores. Always ends, within the drain limit and a second.
    pub async fn shutdown(self) {}
}
