//! Muster: a device provisioning service, its hubs and its CA in one process.

pub mod config;
mod data_folder;
pub mod endpoints;
mod entropy;
mod keys;
mod server;

pub use endpoints::{DpsEndpoint, Endpoints, HubEndpoint};
pub use server::{Running, Server, StartError};
