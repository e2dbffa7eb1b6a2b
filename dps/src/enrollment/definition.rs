//! A whole enrollment read from JSON: a request's body or our own table's document (dps.md §7.3).

use jiff::Timestamp;
use muster_identity::{Capabilities, DeviceId, HostName, InitialTwin, RegistrationId, Status};
use serde_json::{Map, Value};

use super::{
    Allocation, Attestation, CredentialPolicy, Enrollment, EnrollmentKind, Etag, Invalid, Known, Member,
    PolicyName, Reprovision, Subject, WithoutCertificate, mechanism,
};

/// A linked list of hubs is configuration; more names than an instance can link are a mistake (dps.md §9.4).
const HUBS_MAX: usize = 50;
/// What a hub takes for tags and for desired properties (hub-device.md §7): refused here rather than at every device.
const TAGS_BYTES_MAX: usize = 8 * 1024;
const DESIRED_BYTES_MAX: usize = 32 * 1024;
/// The operator's own notes, in every listing.
const INFORMATION_BYTES_MAX: usize = 8 * 1024;

pub(super) const REQUIRED: &str = "certificateRequired";

/// An enrollment but for what the table adds: ETag and dates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Definition {
    pub(crate) subject: Subject,
    pub(crate) attestation: Attestation,
    pub(crate) status: Status,
    pub(crate) capabilities: Capabilities,
    pub(crate) initial_twin: Option<InitialTwin>,
    pub(crate) reprovision: Reprovision,
    pub(crate) allocation: Allocation,
    pub(crate) credential_policy: Option<CredentialPolicy>,
    pub(crate) without_certificate: WithoutCertificate,
}

impl Definition {
    pub(crate) fn stamped(self, etag: Etag, created: Timestamp, updated: Timestamp) -> Enrollment {
        let Self {
            subject,
            attestation,
            status,
            capabilities,
            initial_twin,
            reprovision,
            allocation,
            credential_policy,
            without_certificate,
        } = self;
        Enrollment {
            subject,
            attestation,
            status,
            capabilities,
            initial_twin,
            reprovision,
            allocation,
            credential_policy,
            without_certificate,
            etag,
            created,
            updated,
        }
    }
}

/// The id of a body that was not read any further.
pub(crate) fn unsettled(kind: EnrollmentKind, body: &Value) -> Result<RegistrationId, Invalid> {
    let id = Member::root(body).at(id_member(kind));
    id.parsed(RegistrationId::parse)?.ok_or_else(|| id.wrong("is missing"))
}

pub(crate) fn define(
    kind: EnrollmentKind,
    id: RegistrationId,
    body: &Value,
    known: Known<'_>,
) -> Result<Definition, Invalid> {
    let body = Member::root(body);
    if body.object()?.is_none() {
        return Err(body.wrong("is empty, send the enrollment as a JSON object"));
    }
    refuse_what_is_not_built(&body)?;
    let allocation = allocation(&body)?;
    let subject = subject(kind, id, &body)?;
    let credential_policy = credential_policy(&body, &subject)?;
    Ok(Definition {
        without_certificate: without_certificate(&body, credential_policy.as_ref())?,
        credential_policy,
        subject,
        attestation: mechanism::read(&body.at("attestation"), kind, known)?,
        status: status(&body.at("provisioningStatus"))?,
        capabilities: Capabilities {
            iot_edge: body.at("capabilities").at("iotEdge").truth()?.unwrap_or_default(),
        },
        initial_twin: initial_twin(&body.at("initialTwin"))?,
        reprovision: reprovision(&body.at("reprovisionPolicy"))?,
        allocation,
    })
}

fn id_member(kind: EnrollmentKind) -> &'static str {
    match kind {
        EnrollmentKind::Individual => "registrationId",
        EnrollmentKind::Group => "enrollmentGroupId",
    }
}

/// Better refused than stored and ignored: it changes what happens to a device.
fn refuse_what_is_not_built(body: &Member<'_>) -> Result<(), Invalid> {
    let member = body.at("customAllocationDefinition");
    match member.is_given() {
        true => Err(member.wrong("custom allocation is not available yet, leave it out")),
        false => Ok(()),
    }
}

fn credential_policy(body: &Member<'_>, subject: &Subject) -> Result<Option<CredentialPolicy>, Invalid> {
    let policy = body.at("credentialPolicyName").parsed(str::parse)?;
    match subject {
        // A certificate is in the registration id's name, and a hub wants the device's (hub-device.md §1.2).
        Subject::Individual { id, device_id: Some(device_id), .. }
            if policy.is_some() && device_id.as_str() != id.as_str() =>
        {
            let problem = format!(
                "must be `{id}` or left out, the device's certificate is issued for the registration id"
            );
            Err(body.at("deviceId").wrong(problem))
        }
        Subject::Individual { .. } | Subject::Group { .. } => Ok(policy),
    }
}

fn without_certificate(
    body: &Member<'_>,
    policy: Option<&CredentialPolicy>,
) -> Result<WithoutCertificate, Invalid> {
    let member = body.at(REQUIRED);
    match (member.truth()?, policy) {
        (Some(true), None) => Err(member.wrong("is true, and nothing is issued: set `credentialPolicyName`")),
        (Some(true), Some(_)) => Ok(WithoutCertificate::Refuse),
        (Some(false) | None, _) => Ok(WithoutCertificate::Admit),
    }
}

/// Whether a body says what becomes of devices without a certificate. Clients of the original do not know the member, so what
/// they leave out stays.
pub(crate) fn says_without_certificate(body: &Value) -> bool {
    Member::root(body).at(REQUIRED).is_given()
}

/// The id in the body must be the one in the path, when it is there at all.
fn subject(kind: EnrollmentKind, id: RegistrationId, body: &Member<'_>) -> Result<Subject, Invalid> {
    let named = body.at(id_member(kind));
    match named.filled_text()? {
        Some(text) if !text.eq_ignore_ascii_case(id.as_str()) => {
            return Err(named.wrong(format!("is `{text}` but the path says `{id}`, make them the same")));
        }
        _ => {}
    }
    let device_id = body.at("deviceId");
    match kind {
        EnrollmentKind::Individual => Ok(Subject::Individual {
            id,
            device_id: device_id.parsed(DeviceId::parse)?,
            information: information(&body.at("optionalDeviceInformation"))?,
        }),
        EnrollmentKind::Group if device_id.filled_text()?.is_some() => {
            Err(device_id.wrong("cannot be set on a group, its devices are named by their registration ids"))
        }
        EnrollmentKind::Group => Ok(Subject::Group { id }),
    }
}

fn information(member: &Member<'_>) -> Result<Option<Value>, Invalid> {
    if let Some(object) = member.object()? {
        size(member, object, INFORMATION_BYTES_MAX)?;
    }
    Ok(member.value().cloned())
}

fn status(member: &Member<'_>) -> Result<Status, Invalid> {
    match member.filled_text()? {
        None => Ok(Status::Enabled),
        Some(text) if text.eq_ignore_ascii_case("enabled") => Ok(Status::Enabled),
        Some(text) if text.eq_ignore_ascii_case("disabled") => Ok(Status::Disabled),
        Some(text) => Err(member.wrong(format!("`{text}` is unknown, use `enabled` or `disabled`"))),
    }
}

fn reprovision(member: &Member<'_>) -> Result<Reprovision, Invalid> {
    let default = Reprovision::default();
    Ok(Reprovision {
        update_hub_assignment: member
            .at("updateHubAssignment")
            .truth()?
            .unwrap_or(default.update_hub_assignment),
        migrate_device_data: member.at("migrateDeviceData").truth()?.unwrap_or(default.migrate_device_data),
    })
}

fn allocation(body: &Member<'_>) -> Result<Allocation, Invalid> {
    let named = body.at("allocationPolicy");
    let policy = match named.filled_text()?.map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("hashed") => Some(PolicyName::Hashed),
        Some("static") => Some(PolicyName::Static),
        Some("geolatency") => {
            return Err(named.wrong("`geoLatency` is not available yet, use `hashed` or `static`"));
        }
        Some("custom") => {
            return Err(named.wrong("`custom` is not available yet, use `hashed` or `static`"));
        }
        Some(other) => {
            return Err(named.wrong(format!("`{other}` is unknown, use `hashed` or `static`")));
        }
    };
    let allocation = Allocation {
        policy,
        hubs: hubs(&body.at("iotHubs"))?,
        hub: body.at("iotHubHostName").parsed(HostName::parse)?,
    };
    let one = allocation.hub.is_some() || allocation.hubs.len() == 1;
    if allocation.policy_name() == PolicyName::Static && !one {
        return Err(body.at("iotHubs").wrong("`static` needs exactly one hub, name it here"));
    }
    Ok(allocation)
}

fn hubs(member: &Member<'_>) -> Result<Vec<HostName>, Invalid> {
    let listed = member.list()?.unwrap_or_default();
    if listed.len() > HUBS_MAX {
        return Err(member.wrong(format!("names {} hubs, at most {HUBS_MAX} are allowed", listed.len())));
    }
    let host = |value: &Value| {
        let text = value.as_str().ok_or_else(|| member.wrong("write the hubs' host names as strings"))?;
        HostName::parse(text).map_err(|error| member.wrong(format!("`{text}`: {error}")))
    };
    listed.iter().map(host).collect()
}

fn initial_twin(member: &Member<'_>) -> Result<Option<InitialTwin>, Invalid> {
    if member.object()?.is_none() {
        return Ok(None);
    }
    let section = |member: Member<'_>, bytes_max| {
        let object = member.object()?.cloned().unwrap_or_default();
        names(&member, &object)?;
        size(&member, &object, bytes_max)?;
        Ok::<_, Invalid>(object)
    };
    Ok(Some(InitialTwin {
        tags: section(member.at("tags"), TAGS_BYTES_MAX)?,
        desired: section(member.at("properties").at("desired"), DESIRED_BYTES_MAX)?,
    }))
}

/// Names a hub would refuse (hub-device.md §7): said now, not at each device's registration.
fn names(member: &Member<'_>, object: &Map<String, Value>) -> Result<(), Invalid> {
    for (name, value) in object {
        if let Some(character) = name.chars().find(|c| c.is_control() || ['.', '$', ' '].contains(c)) {
            let character = character.escape_debug();
            return Err(
                member.wrong(format!("the name `{name}` has a `{character}`, which no twin may have"))
            );
        }
        if let Value::Object(inner) = value {
            names(member, inner)?;
        }
    }
    Ok(())
}

fn size(member: &Member<'_>, object: &Map<String, Value>, bytes_max: usize) -> Result<(), Invalid> {
    let bytes = serde_json::to_vec(object).map_or(usize::MAX, |text| text.len());
    if bytes > bytes_max {
        return Err(member.wrong(format!("has {bytes} bytes of JSON, at most {bytes_max} are allowed")));
    }
    Ok(())
}
