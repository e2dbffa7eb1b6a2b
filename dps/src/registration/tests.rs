//! Plans for devices that come for the first time and for those that come back; states and their JSON.

use muster_identity::{Authentication, Capabilities, HostName, InitialTwin, RegistrationId};
use serde_json::json;

use super::{
    OperationId, Transport,
    body::{self, BodyError},
    operations::{Operations, Turn},
    record::{Arrival, Attested, EnrollmentName, Failure, Origin, Place, Plan, Record, State, Substatus},
    reprovision::{Wanted, plan},
    worker::{Job, JobSource},
};
use crate::{
    EnrollmentKind, TrackingId,
    allocation::{Linked, Takes},
    enrollment::{Enrollment, Etag, Known, define},
    issuing::Chain,
    tests::{HUB_1, HUB_2, id, key, now, symmetric},
    trace::Steps,
};

fn place(hub: &str, device: &str) -> Place {
    Place { hub: HostName::parse(hub).unwrap(), device: device.parse().unwrap() }
}

fn tracking() -> TrackingId {
    TrackingId::random(&|bytes: &mut [u8]| bytes.fill(9))
}

fn authentication() -> Authentication {
    Authentication::Sas { primary: key(1), secondary: key(2) }
}

fn record(home: Option<Place>, state: State) -> Record {
    Record {
        id: id("d1"),
        enrollment: EnrollmentName { kind: EnrollmentKind::Group, id: id("g") },
        attested: Attested::SymmetricKey,
        operation: OperationId::new("5.a.1"),
        superseded: Vec::new(),
        etag: "1f".to_owned(),
        created: now(),
        updated: now(),
        home,
        strays: Vec::new(),
        state,
    }
}

fn assigned(hub: &str, device: &str) -> Record {
    record(
        Some(place(hub, device)),
        State::Assigned { substatus: Substatus::InitialAssignment, issued: Chain::default() },
    )
}

fn assigning(to: Place, leaves: Vec<Place>, home: Option<Place>) -> Record {
    let plan = Plan {
        certificate: None,
        to,
        arrival: Arrival::Fresh,
        twin: InitialTwin::default(),
        authentication: authentication(),
        capabilities: Capabilities::default(),
        leaves,
        substatus: Substatus::InitialAssignment,
    };
    let origin =
        Origin { tracking: tracking(), transport: Transport::Mqtt, address: "192.0.2.7:1".to_owned() };
    record(home, State::Assigning { plan: Box::new(plan), origin })
}

fn enrollment(hub: &str, update: bool, migrate: bool) -> Enrollment {
    let body = json!({
        "attestation": symmetric(&key(1), &key(2)), "allocationPolicy": "static", "iotHubs": [hub],
        "reprovisionPolicy": { "updateHubAssignment": update, "migrateDeviceData": migrate },
    });
    let definition = define(EnrollmentKind::Group, id("g"), &body, Known::Store).unwrap();
    definition.stamped(Etag::stored("0"), now(), now())
}

fn planned(enrollment: &Enrollment, device: &str, previous: Option<&Record>, hubs: &[&str]) -> Plan {
    let linked: Vec<_> = hubs
        .iter()
        .map(|hub| Linked { host: HostName::parse(hub).unwrap(), weight: 1, takes: Takes::NewDevices })
        .collect();
    let id: RegistrationId = id("d1");
    let wanted =
        Wanted { id: &id, device_id: device.parse().unwrap(), authentication: authentication(), enrollment };
    plan(wanted, previous, &linked, &mut Steps::new(now())).unwrap()
}

/// What matters of a plan: where to, how, leaving what, told as what.
fn brief(plan: &Plan) -> (String, Arrival, Vec<Place>, Substatus) {
    (format!("{}/{}", plan.to.hub, plan.to.device), plan.arrival.clone(), plan.leaves.clone(), plan.substatus)
}

#[test]
fn a_device_is_where_it_is_and_where_it_arrives_and_not_where_it_was() {
    let [one, two, three] = [HUB_1, HUB_2, "hub-3.example.test"].map(|hub| place(hub, "d1"));
    let arriving =
        |to: &Place, home: Option<&Place>| assigning(to.clone(), vec![three.clone()], home.cloned());
    for (record, whereabouts) in [
        (record(None, State::Disabled), vec![]),
        (assigned(HUB_1, "d1"), vec![&one]),
        (arriving(&two, None), vec![&two]),
        (arriving(&one, Some(&one)), vec![&one]),
        (arriving(&two, Some(&one)), vec![&one, &two]),
    ] {
        assert_eq!(record.whereabouts().collect::<Vec<_>>(), whereabouts);
    }
}

#[test]
fn plans_follow_the_reprovision_policy() {
    let both = &[HUB_1, HUB_2][..];
    let at_1 = assigned(HUB_1, "d1");
    let home = || vec![place(HUB_1, "d1")];
    let to = |hub: &str| format!("{hub}/d1");
    let cases = [
        (
            "first time",
            HUB_1,
            true,
            true,
            None,
            both,
            (to(HUB_1), Arrival::Fresh, vec![], Substatus::InitialAssignment),
        ),
        (
            "same hub",
            HUB_1,
            true,
            true,
            Some(&at_1),
            both,
            (to(HUB_1), Arrival::Keep(vec![]), vec![], Substatus::ReprovisionedToInitialAssignment),
        ),
        (
            "moves",
            HUB_2,
            true,
            true,
            Some(&at_1),
            both,
            (to(HUB_2), Arrival::Bring(home()), home(), Substatus::DeviceDataMigrated),
        ),
        (
            "is reset",
            HUB_2,
            true,
            false,
            Some(&at_1),
            both,
            (to(HUB_2), Arrival::Fresh, home(), Substatus::DeviceDataReset),
        ),
        (
            "stays",
            HUB_2,
            false,
            true,
            Some(&at_1),
            both,
            (to(HUB_1), Arrival::Keep(vec![]), vec![], Substatus::ReprovisionedToInitialAssignment),
        ),
        (
            "its hub is gone",
            HUB_2,
            false,
            true,
            Some(&at_1),
            &[HUB_2],
            (to(HUB_2), Arrival::Fresh, vec![], Substatus::DeviceDataReset),
        ),
    ];
    for (what, hub, update, migrate, previous, hubs, expected) in cases {
        let plan = planned(&enrollment(hub, update, migrate), "d1", previous, hubs);
        assert_eq!(brief(&plan), expected, "{what}");
    }
}

#[test]
fn another_device_id_leaves_the_old_device_where_it_is() {
    let previous = assigned(HUB_1, "d1");
    let plan = planned(&enrollment(HUB_2, true, true), "pump", Some(&previous), &[HUB_1, HUB_2]);
    assert_eq!(brief(&plan), (format!("{HUB_2}/pump"), Arrival::Fresh, vec![], Substatus::InitialAssignment));
    let plan = planned(&enrollment(HUB_1, true, true), "D1", Some(&previous), &[HUB_1, HUB_2]);
    assert_eq!(plan.to, place(HUB_1, "d1"), "letters make no other device");
}

#[test]
fn whoever_comes_back_in_the_middle_of_a_move_is_looked_for_in_both_places() {
    let both = &[HUB_1, HUB_2];
    let (at_1, at_2) = (place(HUB_1, "d1"), place(HUB_2, "d1"));
    // On the way from 1 to 2; now the policy says 2 again, or 1 after all.
    let moving = assigning(at_2.clone(), vec![at_1.clone()], Some(at_1.clone()));
    let on = planned(&enrollment(HUB_2, true, true), "d1", Some(&moving), both);
    assert_eq!((on.arrival, on.leaves), (Arrival::Bring(vec![at_1.clone()]), vec![at_1.clone()]));
    let back = planned(&enrollment(HUB_1, true, true), "d1", Some(&moving), both);
    assert_eq!((back.arrival, back.leaves), (Arrival::Keep(vec![at_2.clone()]), vec![at_2.clone()]));
    // The very first assignment, not finished: it is still the first.
    let first = assigning(at_1.clone(), vec![], None);
    let elsewhere = planned(&enrollment(HUB_2, true, true), "d1", Some(&first), both);
    assert_eq!(
        brief(&elsewhere),
        (format!("{HUB_2}/d1"), Arrival::Fresh, vec![at_1], Substatus::InitialAssignment)
    );
}

#[test]
fn what_is_known_of_a_devices_whereabouts_is_never_lost() {
    let (at_1, at_2) = (place(HUB_1, "d1"), place(HUB_2, "d1"));
    let moving = assigning(at_2.clone(), vec![at_1.clone()], Some(at_1.clone()));

    let arrived = moving.clone().arrived(Chain::default(), Etag::stored("20"), now());
    assert_eq!((arrived.home.clone(), arrived.strays.clone()), (Some(at_2.clone()), vec![at_1.clone()]));
    assert!(arrived.is_pending(), "the old hub is still to be left");
    let left = arrived.left(std::slice::from_ref(&at_1));
    assert!(!left.is_pending() && left.strays.is_empty());

    let failure = Failure { code: 500_001, message: "away".to_owned() };
    let failed = moving.clone().failed(failure, Etag::stored("20"), now());
    assert_eq!((failed.home.clone(), failed.strays.clone()), (Some(at_1.clone()), vec![at_2.clone()]));

    let mut next = record(None, State::Disabled);
    next.operation = OperationId::new("5.a.2");
    let next = moving.succeed(next);
    assert_eq!((next.home.clone(), next.strays.clone()), (Some(at_1.clone()), vec![at_1, at_2]));
    assert!(next.answers(&OperationId::new("5.a.1")) && next.answers(&OperationId::new("5.a.2")));
}

#[test]
fn a_record_is_stored_as_it_is() {
    let failure = Failure { code: 400_208, message: "no hub".to_owned() };
    for state in [
        assigning(place(HUB_1, "d1"), vec![place(HUB_2, "d1")], None).state,
        State::Assigned { substatus: Substatus::DeviceDataMigrated, issued: Chain::default() },
        State::Failed { failure },
        State::Disabled,
    ] {
        let record = record(Some(place(HUB_1, "d1")), state);
        let document = serde_json::to_string(&record).unwrap();
        assert_eq!(Record::stored(&document).unwrap(), record);
    }
}

#[test]
fn the_device_is_told_what_its_sdk_can_read() {
    let operation = OperationId::new("5.a.1");
    let mut record = assigned(HUB_1, "d1");
    record.state =
        State::Assigned { substatus: Substatus::ReprovisionedToInitialAssignment, issued: Chain::default() };
    let expected = |substatus: &str| {
        json!({
            "operationId": "5.a.1", "status": "assigned",
            "registrationState": {
                "symmetricKey": { "enrollmentGroupId": "g" },
                "registrationId": "d1", "createdDateTimeUtc": "2026-11-20T12:00:00.0000000Z",
                "assignedHub": HUB_1, "deviceId": "d1", "status": "assigned", "substatus": substatus,
                "lastUpdatedDateTimeUtc": "2026-11-20T12:00:00.0000000Z", "etag": "IjFmIg==",
            },
        })
    };
    assert_eq!(record.for_operation(&operation, "2019-03-31"), expected("initialAssignment"));
    for newer in ["2019-04-15", "2021-06-01", "2025-07-01-preview"] {
        assert_eq!(record.for_operation(&operation, newer), expected("reprovisionedToInitialAssignment"));
    }
    record.attested = Attested::X509;
    assert_eq!(record.for_device("2019-03-31")["x509"], json!({ "enrollmentGroupId": "g" }));
    record.enrollment.kind = EnrollmentKind::Individual;
    assert_eq!(record.for_device("2019-03-31")["x509"], json!({}));

    let failed = super::tests::record(
        None,
        State::Failed { failure: Failure { code: 400_208, message: "no hub".to_owned() } },
    );
    let shown = failed.for_operation(&operation, "2019-03-31");
    let state = &shown["registrationState"];
    assert_eq!(
        (&shown["status"], &state["errorCode"], &state["errorMessage"]),
        (&json!("failed"), &json!(400_208), &json!("no hub"))
    );
    assert!(["assignedHub", "deviceId", "substatus"].iter().all(|member| state.get(member).is_none()));
    let assigning = assigning(place(HUB_1, "d1"), vec![], None).for_operation(&operation, "2019-03-31");
    assert_eq!(assigning, json!({ "operationId": "5.a.1", "status": "assigning" }));
}

#[test]
fn bodies_of_every_sdk_are_read() {
    let read = |text: &str| body::read(text.as_bytes(), &id("d1"));
    for (text, payload) in [
        ("", None),
        (" ", None),
        ("{}", None),
        ("null", None),
        (r#"{"registrationId":"D1","payload":null,"tpm":null}"#, None),
        (
            r#"{"payload": {"modelId": "dtmi:lab:Thing;1"}, "registrationId": "d1"}"#,
            Some(r#"{"modelId":"dtmi:lab:Thing;1"}"#),
        ),
        (r#"{"payload":"{\"a\":1}"}"#, Some(r#""{\"a\":1}""#)), // Java
    ] {
        assert_eq!(read(text).unwrap().payload.as_deref(), payload, "{text}");
    }
    for (text, csr) in
        [(r#"{"csr":null}"#, None), (r#"{"csr":""}"#, None), (r#"{"csr":"MIIB"}"#, Some("MIIB"))]
    {
        assert_eq!(read(text).unwrap().csr.as_deref(), csr, "{text}");
    }
    assert!(matches!(read("{"), Err(BodyError::NotJson(_))));
    assert!(matches!(read(r#"{"registrationId":"d2"}"#), Err(BodyError::Invalid(_))));
}

#[test]
fn jobs_of_one_device_take_turns_and_only_the_latest_waits() {
    let operations = Operations::default();
    let job = |version: i64| {
        let record = assigning(place(HUB_1, "d1"), vec![], None);
        Job { version, record, tracking: tracking(), source: JobSource::Sweep }
    };
    assert!(matches!(operations.turn(job(1)), Turn::Now(Job { version: 1, .. })));
    assert!(matches!(operations.turn(job(2)), Turn::Later { displaced: None }));
    assert!(matches!(operations.turn(job(4)), Turn::Later { displaced: Some(Job { version: 2, .. }) }));
    assert!(matches!(operations.turn(job(3)), Turn::Superseded(Job { version: 3, .. })));
    assert!(matches!(operations.done("d1"), Some(Job { version: 4, .. })));
    assert!(operations.done("d1").is_none());
    assert!(matches!(operations.turn(job(5)), Turn::Now(_)));
}
