//! Which server a command talks to, and how it gets in.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use zeroize::Zeroizing;

use muster_sas::ConnectionString;

use super::failure::Failure;
use crate::client::Client;
use crate::data_folder;
use crate::endpoints::Endpoints;

/// Where `serve` keeps its data, and where the other commands look for it.
pub(crate) const DATA_DEFAULT: &str = "muster-data";

#[derive(Args, Debug, Clone)]
pub(crate) struct DataArgs {
    /// The server's data folder
    #[arg(long, value_name = "DIR", env = "MUSTER_DATA", default_value = DATA_DEFAULT)]
    pub(crate) data: PathBuf,
}

#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Which server")]
pub(crate) struct Target {
    /// Data folder of a server on this machine [default: muster-data, unless a connection string is given]
    #[arg(long, value_name = "DIR", env = "MUSTER_DATA")]
    data: Option<PathBuf>,
    /// A server elsewhere: HostName=…;SharedAccessKeyName=…;SharedAccessKey=…
    #[arg(long, value_name = "TEXT", env = "MUSTER_CONNECTION_STRING", hide_env_values = true)]
    connection_string: Option<String>,
    /// The CA that issued its certificate (PEM)
    #[arg(long, value_name = "FILE", env = "MUSTER_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// Its HTTPS port
    #[arg(long, value_name = "PORT", env = "MUSTER_HTTPS_PORT")]
    https_port: Option<u16>,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

/// A hub and the way to it.
pub(crate) struct HubClient {
    pub(crate) name: String,
    pub(crate) client: Client,
}

enum Found {
    /// A server on this machine, by its data folder.
    Local { endpoints: Endpoints, listen: Vec<IpAddr> },
    /// One service, by its connection string.
    Remote { connection: ConnectionString, ca_file: PathBuf },
}

impl Target {
    pub(crate) fn dps(&self) -> Result<Client, Failure> {
        match self.find()? {
            Found::Local { endpoints, listen } => {
                let connection = connection(&endpoints.dps.service_connection_string)?;
                Ok(local(&endpoints, connection, &listen, self)?)
            }
            Found::Remote { connection, ca_file } => self.remote(connection, &ca_file),
        }
    }

    /// The certificate authority.
    pub(crate) fn ca(&self) -> Result<Client, Failure> {
        match self.find()? {
            Found::Local { endpoints, listen } => {
                let connection = connection(&endpoints.ca.service_connection_string)?;
                Ok(local(&endpoints, connection, &listen, self)?)
            }
            Found::Remote { connection, ca_file } => self.remote(connection, &ca_file),
        }
    }

    /// All hubs of the server, or the one that is wanted.
    pub(crate) fn hubs(&self, wanted: Option<&str>) -> Result<Vec<HubClient>, Failure> {
        match self.find()? {
            Found::Local { endpoints, listen } => {
                if let Some(wanted) = wanted
                    && endpoints.hub(wanted).is_none()
                {
                    let names: Vec<_> = endpoints.hubs.iter().map(|hub| hub.name.as_str()).collect();
                    return Err(Failure::new(format!("there is no hub `{wanted}`"))
                        .fix(format!("choose one of: {}", names.join(", "))));
                }
                let only = wanted.and_then(|wanted| endpoints.hub(wanted)).map(|hub| hub.name.clone());
                let hubs =
                    endpoints.hubs.iter().filter(|hub| only.as_ref().is_none_or(|name| *name == hub.name));
                hubs.map(|hub| {
                    let connection = connection(&hub.owner_connection_string)?;
                    Ok(HubClient {
                        name: hub.name.clone(),
                        client: local(&endpoints, connection, &listen, self)?,
                    })
                })
                .collect()
            }
            Found::Remote { connection, ca_file } => {
                let name = connection.host_name.clone();
                Ok(vec![HubClient { name, client: self.remote(connection, &ca_file)? }])
            }
        }
    }

    /// Exactly one hub, where a command cannot mean several.
    pub(crate) fn hub(&self, wanted: Option<&str>) -> Result<HubClient, Failure> {
        let mut hubs = self.hubs(wanted)?;
        match (hubs.len(), hubs.pop()) {
            (1, Some(hub)) => Ok(hub),
            (_, last) => {
                let names: Vec<_> = hubs.iter().chain(&last).map(|hub| hub.name.as_str()).collect();
                Err(Failure::new("there are several hubs")
                    .fix(format!("choose with --hub: {}", names.join(", "))))
            }
        }
    }

    fn find(&self) -> Result<Found, Failure> {
        match (&self.data, &self.connection_string) {
            (None, Some(text)) => {
                let ca_file = self.ca_file.clone().ok_or_else(|| {
                    Failure::new("a connection string does not say which CA to trust")
                        .fix("give it with --ca-file or MUSTER_CA_FILE (the server's DIR/ca.pem)")
                })?;
                Ok(Found::Remote { connection: connection(&Zeroizing::new(text.clone()))?, ca_file })
            }
            (data, _) => find_local(data.as_deref().unwrap_or(Path::new(DATA_DEFAULT))),
        }
    }

    fn remote(&self, connection: ConnectionString, ca_file: &Path) -> Result<Client, Failure> {
        Ok(Client::new(Arc::new(connection), self.https_port.unwrap_or(443), ca_file, Vec::new())?)
    }
}

fn find_local(data: &Path) -> Result<Found, Failure> {
    let endpoints = Endpoints::read(data).map_err(|error| {
        Failure::new(error).fix(
            "start a server with `muster serve`, or say which one is meant: --data DIR, or MUSTER_CONNECTION_STRING and MUSTER_CA_FILE",
        )
    })?;
    let holder = data_folder::holder(data).unwrap_or_default();
    let dial = |address: IpAddr| match address.is_unspecified() {
        true => IpAddr::V4(Ipv4Addr::LOCALHOST),
        false => address,
    };
    Ok(Found::Local { endpoints, listen: holder.listen.into_iter().map(dial).collect() })
}

fn local(
    endpoints: &Endpoints,
    connection: ConnectionString,
    listen: &[IpAddr],
    target: &Target,
) -> Result<Client, Failure> {
    let ca_file = target.ca_file.as_ref().unwrap_or(&endpoints.ca_file);
    let port = target.https_port.unwrap_or(endpoints.ports.https);
    Ok(Client::new(Arc::new(connection), port, ca_file, listen.to_vec())?)
}

fn connection(text: &Zeroizing<String>) -> Result<ConnectionString, Failure> {
    ConnectionString::parse(text).map_err(|error| {
        Failure::new(format!("the connection string cannot be read: {error}"))
            .fix("it looks like HostName=…;SharedAccessKeyName=…;SharedAccessKey=…")
    })
}
