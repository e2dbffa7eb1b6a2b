//! What a device makes of the service's answers.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Outcome, Polling, Refusal, Reply, Step, Timings};

fn judge(status: u16, body: Value) -> Step {
    Reply { status, retry_after_s: None, body }.judge(Timings::default()).unwrap()
}

fn outcome(status: u16, body: Value) -> Outcome {
    match judge(status, body) {
        Step::Done(outcome) => *outcome,
        Step::Wait { operation_id } => panic!("waits for {operation_id}"),
    }
}

#[test]
fn assigning_means_waiting() {
    let Step::Wait { operation_id } = judge(202, json!({ "operationId": "5.1", "status": "assigning" }))
    else {
        panic!("must wait");
    };
    assert_eq!(operation_id, "5.1");
}

#[test]
fn assigned_names_hub_and_device() {
    let state = json!({ "assignedHub": "h.test", "deviceId": "d", "substatus": "initialAssignment" });
    let body = json!({ "operationId": "5.1", "status": "assigned", "registrationState": state });
    let assigned = outcome(200, body).assigned().unwrap();
    assert_eq!((assigned.hub.as_str(), assigned.device_id.as_str()), ("h.test", "d"));
    assert_eq!(assigned.substatus.as_deref(), Some("initialAssignment"));
}

#[test]
fn an_error_keeps_its_code_and_tracking_id() {
    let body = json!({ "errorCode": 401_002, "trackingId": "t", "message": "Unauthorized" });
    let refused = outcome(401, body).assigned().unwrap_err();
    assert_eq!((refused.by, refused.status, refused.error_code), (Refusal::Request, 401, Some(401_002)));
    assert_eq!(refused.tracking_id.as_deref(), Some("t"));
}

#[test]
fn a_registration_that_ended_disabled_is_refused_although_its_status_is_200() {
    let state = json!({ "status": "disabled" });
    let body = json!({ "operationId": "5.1", "status": "disabled", "registrationState": state });
    let refused = outcome(200, body).assigned().unwrap_err();
    assert_eq!((refused.by, refused.message.as_str()), (Refusal::Registration, "disabled"));
}

#[test]
fn an_assignment_without_a_hub_makes_no_sense() {
    let body = json!({ "operationId": "5.1", "status": "assigned" });
    assert!(Reply { status: 200, retry_after_s: None, body }.judge(Timings::default()).is_err());
}

#[test]
fn devices_wait_as_long_as_they_are_told() {
    assert_eq!(Polling::AsTold.wait(Some(3), 0), Duration::from_secs(3));
    assert_eq!(Polling::AsTold.wait(None, 0), Duration::from_secs(2));
}

#[test]
fn eager_devices_poll_soon_and_then_back_off() {
    let polling = Polling::Eager { pause: Duration::from_millis(2) };
    let waits: Vec<_> = (0..4).map(|polls| polling.wait(Some(3), polls).as_millis()).collect();
    assert_eq!(waits, [2, 4, 8, 16]);
}
