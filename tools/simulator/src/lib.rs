//! Simulated devices and a back end, as clients: they know the wire, nothing of the server's code.
//!
//! [`provision()`] boots a device through the provisioning service, [`HubClient`] is the device at its hub,
//! [`ServiceClient`] the back end's REST client, [`factory`] makes certificates, [`Trust`] says which server to believe.

mod credential;
mod dps;
mod endpoints;
pub mod factory;
mod https;
mod hub;
mod service;
mod session;
mod tls;

pub use credential::DeviceKey;
pub use dps::{
    Assigned, Dps, Options, Outcome, Polling, ProvisionError, Refusal, Refused, Timings, provision,
    provision_https, provision_on,
};
pub use endpoints::{CaEntry, Endpoints, EndpointsError, HubEntry, Ports};
pub use https::{Answer, HttpError};
pub use hub::{Desired, Device, HubClient, HubError, HubOptions, Twin};
pub use service::dps::{Trace, TraceStep, enrollments};
pub use service::{EventPage, LoggedEvent, Partition, ServiceClient, ServiceError};
pub use session::{Hello, OpenError, Session, SessionError};
pub use tls::{ConnectError, Endpoint, Trust, TrustError};

pub use muster_sas::{ConnectionString, Key};
