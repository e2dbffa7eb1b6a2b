//! The hub: identity registry, device sessions, twins, telemetry, and the REST side for service clients.

pub mod api;
mod backend;
mod limits;
pub mod protocol;
mod recent;
mod registry;
mod renewal;
mod service;
mod session;
mod settings;
mod telemetry;
#[cfg(test)]
mod tests;
mod twin;

pub use limits::{Limits, Rate};
pub use registry::{AdmitError, Admitted, ExportError, RemoveError};
pub use renewal::{NotRenewed, Renewal, RenewalRefusal, Renewed, Renewer};
pub use service::{Hub, OpenError};
pub use session::{
    Connected, Disconnect, Filter, FromDevice, Granted, Hello, Holder, PacketId, Refused, Session, Shown,
    Subject, ToDevice, Verdict, Vouched, Will,
};
pub use settings::{Settings, UnknownFilters};
pub use twin::{TwinRefusal, says};
