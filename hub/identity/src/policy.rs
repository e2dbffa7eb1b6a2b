//! Access policies: a name, its keys, what it may do; and those that every new service starts with.

use muster_sas::{ConnectionString, Key};

use crate::{
    Entropy, HostName,
    Right::{
        CaConfigure, CaRead, CaRequest, CaRevoke, DeviceConnect, EnrollmentRead, EnrollmentWrite,
        RegistrationStatusRead, RegistrationStatusWrite, RegistryRead, RegistryWrite, ServiceConfig,
        ServiceConnect,
    },
    Rights, device_key,
};

/// As many as the original allows a hub (hub-service.md §1.3); `authorize` looks through them one by one.
pub const POLICIES_MAX: usize = 16;

/// The policy that may do everything at the certificate authority.
pub const CA_OWNER: &str = "caowner";

/// Keys are compared by `authorize` and shown by `connection_string`, nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPolicy {
    pub name: String,
    pub primary: Key,
    pub secondary: Option<Key>,
    pub rights: Rights,
}

impl AccessPolicy {
    /// With two fresh keys.
    pub fn new(name: &str, rights: Rights, entropy: &Entropy) -> Self {
        let (primary, secondary) = (device_key(entropy), Some(device_key(entropy)));
        Self { name: name.to_owned(), primary, secondary, rights }
    }

    /// `provisioningserviceowner`: everything a provisioning service has to give.
    pub fn provisioning_service_owner(entropy: &Entropy) -> Self {
        let rights = [
            ServiceConfig,
            DeviceConnect,
            EnrollmentRead,
            EnrollmentWrite,
            RegistrationStatusRead,
            RegistrationStatusWrite,
        ];
        Self::new("provisioningserviceowner", Rights::of(&rights), entropy)
    }

    /// `caowner`: everything a certificate authority has to give.
    pub fn ca_owner(entropy: &Entropy) -> Self {
        Self::new(CA_OWNER, Rights::of(&[CaRead, CaRequest, CaConfigure, CaRevoke]), entropy)
    }

    /// `iothubowner`: everything a hub has to give.
    pub fn iot_hub_owner(entropy: &Entropy) -> Self {
        let rights = [RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect];
        Self::new("iothubowner", Rights::of(&rights), entropy)
    }

    /// `service`: back ends.
    pub fn service(entropy: &Entropy) -> Self {
        Self::new("service", Rights::of(&[ServiceConnect]), entropy)
    }

    /// `device`: protocol gateways and token services, which speak for any device.
    pub fn device(entropy: &Entropy) -> Self {
        Self::new("device", Rights::of(&[DeviceConnect]), entropy)
    }

    /// `registryRead`
    pub fn registry_read(entropy: &Entropy) -> Self {
        Self::new("registryRead", Rights::of(&[RegistryRead]), entropy)
    }

    /// `registryReadWrite`
    pub fn registry_read_write(entropy: &Entropy) -> Self {
        Self::new("registryReadWrite", Rights::of(&[RegistryRead, RegistryWrite]), entropy)
    }

    /// The policies of a new hub, the owner's first.
    pub fn hub_defaults(entropy: &Entropy) -> Vec<Self> {
        [Self::iot_hub_owner, Self::service, Self::device, Self::registry_read, Self::registry_read_write]
            .map(|policy| policy(entropy))
            .into()
    }

    /// What a back end is given to act by this policy.
    pub fn connection_string(&self, host: &HostName) -> ConnectionString {
        ConnectionString { host_name: host.to_string(), policy: self.name.clone(), key: self.primary.clone() }
    }
}
