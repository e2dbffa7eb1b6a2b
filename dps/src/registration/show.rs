//! A registration as JSON: to the device, and to the service API (dps.md §5, §7.3).

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

use super::{
    OperationId,
    record::{Attested, Record, State, Substatus},
};
use crate::enrollment::{EnrollmentKind, instant};

/// From here on clients know `reprovisionedToInitialAssignment` (dps.md §9.3).
const KNOWS_REPROVISIONED: &str = "2019-04-15";

impl Record {
    /// The body of the answer to a poll. Absent members are left out: embedded C rejects nulls, Java misses the state.
    pub(crate) fn for_operation(&self, polled: &OperationId, api_version: &str) -> Value {
        match self.state {
            State::Assigning { .. } => assigning(polled),
            State::Assigned { .. } | State::Failed { .. } | State::Disabled => json!({
                "operationId": polled.0,
                "status": self.status(),
                "registrationState": self.with_issued(api_version),
            }),
        }
    }

    fn with_issued(&self, api_version: &str) -> Value {
        let mut state = self.for_device(api_version);
        if let State::Assigned { issued, .. } = &self.state
            && !issued.is_empty()
            && let Value::Object(state) = &mut state
        {
            state.insert("issuedCertificateChain".to_owned(), issued.json());
        }
        state
    }

    /// The bare state, as the status lookup answers it: without what was issued (dps.md §2).
    pub(crate) fn for_device(&self, api_version: &str) -> Value {
        let mut json = Map::new();
        // An individual's symmetric key is not mentioned at all (dps.md §5).
        let group = match self.enrollment.kind {
            EnrollmentKind::Individual => None,
            EnrollmentKind::Group => Some(json!({ "enrollmentGroupId": self.enrollment.id })),
        };
        match (self.attested, group) {
            (Attested::X509, group) => {
                json.insert("x509".to_owned(), group.unwrap_or_else(|| json!({})));
            }
            (Attested::SymmetricKey, Some(group)) => {
                json.insert("symmetricKey".to_owned(), group);
            }
            (Attested::SymmetricKey, None) => {}
        }
        self.write(&mut json, api_version);
        Value::Object(json)
    }

    pub(crate) fn for_service(&self) -> Value {
        let mut json = Map::new();
        self.write(&mut json, KNOWS_REPROVISIONED);
        Value::Object(json)
    }

    /// base64 of the quoted ETag (dps.md §5).
    pub(crate) fn etag_shown(&self) -> String {
        BASE64_STANDARD.encode(format!("\"{}\"", self.etag))
    }

    fn status(&self) -> &'static str {
        match self.state {
            State::Assigning { .. } => "assigning",
            State::Assigned { .. } => "assigned",
            State::Failed { .. } => "failed",
            State::Disabled => "disabled",
        }
    }

    fn write(&self, json: &mut Map<String, Value>, api_version: &str) {
        let mut set = |name: &str, value: Value| json.insert(name.to_owned(), value);
        set("registrationId", self.id.as_str().into());
        set("createdDateTimeUtc", instant(self.created).into());
        // Both or neither (embedded C), and only where they are certain.
        if let (State::Assigned { .. }, Some(home)) = (&self.state, &self.home) {
            set("assignedHub", home.hub.as_str().into());
            set("deviceId", home.device.as_str().into());
        }
        set("status", self.status().into());
        match &self.state {
            State::Assigned { substatus, .. } => {
                set("substatus", shown(*substatus, api_version).as_str().into());
            }
            State::Failed { failure } => {
                set("errorCode", failure.code.into());
                set("errorMessage", failure.message.as_str().into());
            }
            State::Assigning { .. } | State::Disabled => {}
        }
        set("lastUpdatedDateTimeUtc", instant(self.updated).into());
        set("etag", self.etag_shown().into());
    }
}

pub(crate) fn assigning(operation: &OperationId) -> Value {
    json!({ "operationId": operation.0, "status": "assigning" })
}

/// Older clients do not know the newest word; versions are dates and compare as text.
fn shown(substatus: Substatus, api_version: &str) -> Substatus {
    match substatus {
        Substatus::ReprovisionedToInitialAssignment if api_version < KNOWS_REPROVISIONED => {
            Substatus::InitialAssignment
        }
        Substatus::InitialAssignment
        | Substatus::DeviceDataMigrated
        | Substatus::DeviceDataReset
        | Substatus::ReprovisionedToInitialAssignment => substatus,
    }
}
