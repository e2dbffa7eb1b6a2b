//! A verified device's new operation: which state it starts in.

use jiff::Timestamp;
use muster_ca::Revocation;
use muster_enrollment_policies::NoHub;
use muster_identity::{RegistrationId, Status};

use super::{
    OperationId,
    record::{Attested, EnrollmentName, Failure, Origin, Plan, Record, State},
    reprovision::{Wanted, plan},
};
use crate::{
    allocation::Linked,
    attestation::{KnownBy, Verified},
    enrollment::Etag,
    issuing::Order,
    trace::Steps,
};

/// Codes that stand inside a registration's state (dps.md §2.1).
const HUB_NOT_SPECIFIED: u32 = 400_208;
const HUB_NOT_ALLOWED: u32 = 400_209;

/// What a request brings besides the proof.
#[derive(Debug)]
pub(crate) struct Beginning<'a> {
    pub(crate) id: &'a RegistrationId,
    pub(crate) operation: OperationId,
    pub(crate) etag: Etag,
    pub(crate) origin: Origin,
    /// Everything that was issued to it is revoked, and it is to get no more.
    pub(crate) bar: Option<Revocation>,
    /// The certificate it asks for.
    pub(crate) order: Option<Order>,
    pub(crate) known_by: KnownBy,
    pub(crate) now: Timestamp,
}

pub(crate) fn begin(
    beginning: Beginning<'_>,
    verified: &Verified,
    previous: Option<Record>,
    linked: &[Linked],
    steps: &mut Steps,
) -> Record {
    let Beginning { id, operation, etag, origin, bar, order, known_by, now } = beginning;
    let enrollment = verified.enrollment();
    let name = EnrollmentName { kind: enrollment.kind(), id: enrollment.id().clone() };
    let state = match (enrollment.status, bar) {
        (Status::Disabled, _) => {
            let enrollment = format!("{} `{}` is disabled", name.kind, name.id);
            steps.failed("status", enrollment, "enable it, or delete it if another one should decide");
            State::Disabled
        }
        // It proved itself, so it hears what a device hears that is not wanted any more.
        (Status::Enabled, Some(Revocation { reason, at })) => {
            let barred =
                format!("all certificates of `{id}` were revoked at {at} ({reason}), and it is barred since");
            steps.failed(
                "revocation",
                barred,
                format_args!("let it in again with `muster ca readmit {}`", id.folded()),
            );
            State::Disabled
        }
        (Status::Enabled, None) => {
            let wanted = Wanted {
                id,
                device_id: verified.device_id(id),
                authentication: verified.authentication(known_by),
                enrollment,
            };
            match plan(wanted, previous.as_ref(), linked, steps) {
                Ok(plan) => State::Assigning { plan: Box::new(Plan { certificate: order, ..plan }), origin },
                Err(no_hub) => State::Failed { failure: failure(&no_hub) },
            }
        }
    };
    let record = Record {
        id: id.clone(),
        enrollment: name,
        attested: if verified.leaf().is_some() { Attested::X509 } else { Attested::SymmetricKey },
        operation,
        superseded: Vec::new(),
        etag: etag.as_str().to_owned(),
        created: now,
        updated: now,
        home: None,
        strays: Vec::new(),
        state,
    };
    match previous {
        Some(previous) => previous.succeed(record),
        None => record,
    }
}

fn failure(no_hub: &NoHub) -> Failure {
    let code = match no_hub {
        NoHub::NoCandidate | NoHub::NoWeight { .. } => HUB_NOT_SPECIFIED,
        NoHub::StaticNotLinked { .. } => HUB_NOT_ALLOWED,
    };
    Failure { code, message: no_hub.to_string() }
}
