//! Muster: a device provisioning service, its hubs and its CA in one process.

mod barred;
mod certificates;
pub mod cli;
mod client;
pub mod config;
mod crl_fetch;
mod data_folder;
pub mod demo;
pub mod endpoints;
mod entropy;
mod keys;
mod linked_hub;
mod listen;
mod nodes;
mod open_files;
mod renewing;
mod revocations;
mod server;
mod start;
mod ticks;

pub use endpoints::{CaEndpoint, DpsEndpoint, Endpoints, HubEndpoint};
pub use linked_hub::RemoteError;
pub use listen::{BindError, Connections, TlsError};
pub use open_files::raise_open_files;
pub use server::{Running, Server, StartError};
