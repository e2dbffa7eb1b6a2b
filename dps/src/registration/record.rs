//! What is remembered of a device's provisioning: its states, and what is true in each.

use jiff::Timestamp;
use muster_identity::{Authentication, Capabilities, DeviceId, HostName, InitialTwin, RegistrationId};
use serde::{Deserialize, Serialize};

use super::{OperationId, Transport};
use crate::{
    TrackingId,
    enrollment::{EnrollmentKind, Etag, sql::UnreadableRow},
    issuing,
};

/// Earlier operations whose polls follow the latest: more than any SDK starts before it gives up.
const SUPERSEDED_MAX: usize = 8;

/// One registration. Its document in the table is this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    pub(crate) id: RegistrationId,
    pub(crate) enrollment: EnrollmentName,
    pub(crate) attested: Attested,
    pub(crate) operation: OperationId,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) superseded: Vec<OperationId>,
    pub(crate) etag: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// Where the last assignment that came to its end put the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) home: Option<Place>,
    /// Where else it may be, from moves that are not finished; each is left when the device has arrived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) strays: Vec<Place>,
    pub(crate) state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "status")]
pub(crate) enum State {
    /// Committed before a hub is asked, so that a crash anywhere ends right.
    Assigning {
        plan: Box<Plan>,
        origin: Origin,
    },
    /// At `home`.
    Assigned {
        substatus: Substatus,
        /// The certificate that this operation asked for: told as often as it is polled.
        #[serde(default, skip_serializing_if = "issuing::Chain::is_empty")]
        issued: issuing::Chain,
    },
    Failed {
        failure: Failure,
    },
    Disabled,
}

/// What is to be done. Every part of it may be done twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Plan {
    pub(crate) to: Place,
    pub(crate) arrival: Arrival,
    /// For when there is no twin yet.
    pub(crate) twin: InitialTwin,
    pub(crate) authentication: Authentication,
    pub(crate) capabilities: Capabilities,
    /// A certificate is to be issued first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<issuing::Order>,
    /// To be removed from, once the device has arrived.
    pub(crate) leaves: Vec<Place>,
    pub(crate) substatus: Substatus,
}

impl Plan {
    /// Whether its hub may have to know of certificates that the device got elsewhere.
    pub(crate) fn may_have_certificates(&self) -> bool {
        self.authentication == Authentication::CertificateAuthority || self.arrival != Arrival::Fresh
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Arrival {
    Fresh,
    /// It is there already; if it is not, its data may be at one of these.
    Keep(Vec<Place>),
    /// Its data is at the first of these that has the device.
    Bring(Vec<Place>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Place {
    pub(crate) hub: HostName,
    pub(crate) device: DeviceId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnrollmentName {
    pub(crate) kind: EnrollmentKind,
    pub(crate) id: RegistrationId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Attested {
    SymmetricKey,
    X509,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Substatus {
    InitialAssignment,
    DeviceDataMigrated,
    DeviceDataReset,
    ReprovisionedToInitialAssignment,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    pub(crate) code: u32,
    pub(crate) message: String,
}

/// Whose request it was, so that its trace can be continued after a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Origin {
    pub(crate) tracking: TrackingId,
    pub(crate) transport: Transport,
    pub(crate) address: String,
}

impl Record {
    pub(crate) fn stored(document: &str) -> Result<Self, UnreadableRow> {
        serde_json::from_str(document)
            .map_err(|error| UnreadableRow::Document { what: "registration", reason: error.to_string() })
    }

    /// Whether whoever polls this operation is told about this record.
    pub(crate) fn answers(&self, operation: &OperationId) -> bool {
        self.operation == *operation || self.superseded.contains(operation)
    }

    pub(crate) fn in_flight(&self) -> Option<&Plan> {
        match &self.state {
            State::Assigning { plan, .. } => Some(plan),
            State::Assigned { .. } | State::Failed { .. } | State::Disabled => None,
        }
    }

    /// Where the device is, and where it is just arriving; not what it leaves behind.
    pub(crate) fn whereabouts(&self) -> impl Iterator<Item = &Place> {
        let arriving = self.in_flight().map(|plan| &plan.to);
        self.home.iter().chain(arriving.filter(|place| self.home.as_ref() != Some(place)))
    }

    /// Something is left to do at a hub.
    pub(crate) fn is_pending(&self) -> bool {
        match &self.state {
            State::Assigning { .. } => true,
            State::Assigned { .. } => !self.strays.is_empty(),
            // Where else the device may be is settled when it next arrives somewhere.
            State::Failed { .. } | State::Disabled => false,
        }
    }

    /// The next operation of the same device: what is known of its whereabouts stays known.
    pub(crate) fn succeed(self, mut next: Self) -> Self {
        next.created = self.created;
        next.superseded = std::iter::once(self.operation).chain(self.superseded).collect();
        next.superseded.truncate(SUPERSEDED_MAX);
        if let State::Assigning { plan, .. } = self.state {
            add(&mut next.strays, plan.leaves);
            add(&mut next.strays, [plan.to]);
        }
        add(&mut next.strays, self.strays);
        next.home = self.home;
        next
    }

    /// The plan was carried out: the device is there, and elsewhere only until it is removed.
    pub(crate) fn arrived(mut self, issued: issuing::Chain, etag: Etag, now: Timestamp) -> Self {
        if let State::Assigning { plan, .. } = self.state {
            self.strays = plan.leaves;
            self.home = Some(plan.to);
            self.state = State::Assigned { substatus: plan.substatus, issued };
        }
        self.stamped(etag, now)
    }

    /// The hub may have taken the device all the same.
    pub(crate) fn failed(mut self, failure: Failure, etag: Etag, now: Timestamp) -> Self {
        if let State::Assigning { plan, .. } = self.state {
            if self.home.as_ref() != Some(&plan.to) {
                add(&mut self.strays, [plan.to]);
            }
            self.state = State::Failed { failure };
        }
        self.stamped(etag, now)
    }

    pub(crate) fn left(mut self, places: &[Place]) -> Self {
        self.strays.retain(|stray| !places.contains(stray));
        self
    }

    fn stamped(mut self, etag: Etag, now: Timestamp) -> Self {
        self.etag = etag.as_str().to_owned();
        self.updated = now;
        self
    }
}

fn add(places: &mut Vec<Place>, more: impl IntoIterator<Item = Place>) {
    for place in more {
        if !places.contains(&place) {
            places.push(place);
        }
    }
}

impl EnrollmentName {
    /// `group/line-4`: as the table's column has it.
    pub(crate) fn column(&self) -> String {
        format!("{}/{}", self.kind.as_str(), self.id.folded())
    }
}

impl Substatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::InitialAssignment => "initialAssignment",
            Self::DeviceDataMigrated => "deviceDataMigrated",
            Self::DeviceDataReset => "deviceDataReset",
            Self::ReprovisionedToInitialAssignment => "reprovisionedToInitialAssignment",
        }
    }
}
