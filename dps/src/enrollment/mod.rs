//! The permission: who may register, with which proof, and what becomes of them.

use std::fmt;

use jiff::Timestamp;
use muster_enrollment_policies::Policy;
use muster_identity::{Capabilities, DeviceId, HostName, InitialTwin, RegistrationId, Status};
use muster_sas::Key;
use muster_x509::Certificate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod credential_policy;
mod definition;
mod etag;
mod groups;
mod matching;
mod mechanism;
mod member;
mod query;
mod service;
mod show;
pub(crate) mod sql;

#[cfg(test)]
mod tests;

pub(crate) use credential_policy::{CredentialPolicy, Unusable};
pub(crate) use definition::{Definition, define, says_without_certificate, unsettled};
pub(crate) use etag::{Etag, EtagUnreadable, Precondition, Unfulfilled, Write, decide_delete, decide_put};
pub(crate) use groups::{Anchor, Groups, Origin, Standing, Stored};
pub(crate) use matching::{Reach, candidates};
pub(crate) use mechanism::{Known, certificate_name, not_expired, one_certificate};
pub(crate) use member::{Invalid, Member};
pub(crate) use query::{Filter, QueryError, parse as parse_query};
pub(crate) use service::{BULK_ITEMS_MAX, BulkError, BulkMode, Page, ReadError, WriteError};
pub(crate) use show::{for_store, instant, mechanism as show_mechanism, with_keys, without_keys};

/// One device by name, or all that a key or an authority vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EnrollmentKind {
    Individual,
    Group,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Enrollment {
    pub(crate) subject: Subject,
    pub(crate) attestation: Attestation,
    pub(crate) status: Status,
    pub(crate) capabilities: Capabilities,
    pub(crate) initial_twin: Option<InitialTwin>,
    pub(crate) reprovision: Reprovision,
    pub(crate) allocation: Allocation,
    /// Devices that ask for them get certificates, and by these only their hubs know them.
    pub(crate) credential_policy: Option<CredentialPolicy>,
    pub(crate) without_certificate: WithoutCertificate,
    pub(crate) etag: Etag,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Subject {
    Individual {
        id: RegistrationId,
        /// The hub's name for the device; the registration id when there is none.
        device_id: Option<DeviceId>,
        /// `optionalDeviceInformation`, for the operator's own use.
        information: Option<Value>,
    },
    Group {
        id: RegistrationId,
    },
}

/// What becomes of a device that could have a certificate, has none and asks for none. `certificateRequired`, our own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum WithoutCertificate {
    /// Its hub knows it by what it registers with: a client library that cannot ask works all the same.
    #[default]
    Admit,
    Refuse,
}

/// How devices prove themselves. Of a group the keys and certificates are those the devices' own come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Attestation {
    SymmetricKey(Keys),
    /// An individual's own certificates, or the ones that sign a group's.
    Certificates(Certificates),
    /// Names of certificates stored on the instance.
    Authorities(Authorities),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) primary: Key,
    pub(crate) secondary: Key,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Certificates {
    pub(crate) primary: Option<Certificate>,
    pub(crate) secondary: Option<Certificate>,
    pub(crate) pin: Pin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorities {
    pub(crate) primary: Option<String>,
    pub(crate) secondary: Option<String>,
    pub(crate) pin: Pin,
}

/// By what an enrollment knows its authority (pki.md §8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Pin {
    /// By exactly this certificate: its own dates and constraints count, and with its end the devices' chains end.
    #[default]
    Certificate,
    /// By its name and key: a certificate issued anew for them counts as well, where it is stored and verified, signed by
    /// itself, or leads to a verified authority.
    Key,
}

/// `reprovisionPolicy`, as spelled; [`Reprovision::rule`] is what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reprovision {
    pub(crate) update_hub_assignment: bool,
    pub(crate) migrate_device_data: bool,
}

/// dps.md §9.3
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnReturn {
    Stay,
    MoveWithData,
    MoveAndReset,
}

/// `allocationPolicy`, `iotHubs`, `iotHubHostName`, as given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Allocation {
    pub(crate) policy: Option<PolicyName>,
    pub(crate) hubs: Vec<HostName>,
    /// The older way to name one hub.
    pub(crate) hub: Option<HostName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyName {
    Hashed,
    Static,
}

impl Enrollment {
    pub(crate) fn id(&self) -> &RegistrationId {
        self.subject.id()
    }

    pub(crate) fn kind(&self) -> EnrollmentKind {
        self.subject.kind()
    }
}

impl Subject {
    pub(crate) fn id(&self) -> &RegistrationId {
        match self {
            Self::Individual { id, .. } | Self::Group { id } => id,
        }
    }

    pub(crate) fn kind(&self) -> EnrollmentKind {
        match self {
            Self::Individual { .. } => EnrollmentKind::Individual,
            Self::Group { .. } => EnrollmentKind::Group,
        }
    }
}

impl EnrollmentKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Individual => "individual",
            Self::Group => "group",
        }
    }
}

impl Reprovision {
    pub(crate) fn rule(self) -> OnReturn {
        match (self.update_hub_assignment, self.migrate_device_data) {
            (false, _) => OnReturn::Stay,
            (true, true) => OnReturn::MoveWithData,
            (true, false) => OnReturn::MoveAndReset,
        }
    }
}

impl Default for Reprovision {
    fn default() -> Self {
        Self { update_hub_assignment: true, migrate_device_data: true }
    }
}

impl Pin {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Key => "key",
        }
    }
}

impl Allocation {
    /// The hubs an enrollment restricts itself to; empty means all that are linked.
    pub(crate) fn named_hubs(&self) -> impl Iterator<Item = &HostName> {
        self.hubs.iter().chain(&self.hub)
    }

    pub(crate) fn policy_name(&self) -> PolicyName {
        match (self.policy, &self.hub) {
            (Some(policy), _) => policy,
            (None, Some(_)) => PolicyName::Static,
            (None, None) => PolicyName::Hashed,
        }
    }

    /// `None` when it is static and names no hub, which [`define`] does not let through.
    pub(crate) fn policy(&self) -> Option<Policy> {
        match self.policy_name() {
            PolicyName::Hashed => Some(Policy::Hashed),
            PolicyName::Static => self.hub.as_ref().or(self.hubs.first()).cloned().map(Policy::Static),
        }
    }
}

impl PolicyName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hashed => "hashed",
            Self::Static => "static",
        }
    }
}

impl fmt::Display for EnrollmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Individual => "individual enrollment",
            Self::Group => "enrollment group",
        })
    }
}
