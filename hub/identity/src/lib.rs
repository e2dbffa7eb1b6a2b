//! Who is who between `dps` and `hub`: ids, authentication, rights, and what is handed over when a device is admitted.
//!
//! Values and rules only. Every id is made by `parse`, so whoever holds one need not check it again.

mod admission;
mod authentication;
mod authorize;
mod device;
mod device_state;
mod entropy;
mod host;
mod parsed;
mod policy;
mod registration_id;
mod rights;

pub use admission::{Admission, Arrival, Capabilities, InitialTwin, Status};
pub use authentication::{Authentication, AuthenticationError, RequestedAuthentication};
pub use authorize::{Denied, authorize};
pub use device::{DeviceId, GenerationId, ModuleId};
pub use device_state::{DeviceState, Section};
pub use entropy::{Entropy, device_key, enrollment_key};
pub use host::{HostName, HubName};
pub use parsed::IdError;
pub use policy::{AccessPolicy, CA_OWNER, POLICIES_MAX};
pub use registration_id::RegistrationId;
pub use rights::{Right, Rights, UnknownRight};

#[cfg(test)]
mod tests;
