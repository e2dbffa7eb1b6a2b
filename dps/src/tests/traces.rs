//! What a trace tells, that it is there at once, and that it goes in time.

use jiff::SignedDuration;
use muster_test_engines::for_each_engine;
use serde_json::json;

use super::{Bench, Device, HUB_1, Http, Shelf, enroll, key, now, symmetric};
use crate::{
    TrackingId, Transport,
    trace::{Outcome, Trace},
};

#[tokio::test]
async fn an_attempts_steps_can_be_read_at_once_and_after_a_restart() {
    for_each_engine(async |db| {
        let hub = Shelf::new(HUB_1);
        let bench = Bench::open(&db, std::slice::from_ref(&hub)).await;
        enroll(&bench.dps, "d1", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let refused = Device::new("d1").with_key(&key(9)).register(&bench.dps).await.tracking_id;
        let device = Device::new("D1").with_key(&key(1));
        let accepted = device.register(&bench.dps).await;
        let operation = crate::OperationId::new(accepted.body["operationId"].as_str().unwrap());
        assert!(bench.dps.trace(accepted.tracking_id).await.is_ok());
        device.ends(&bench.dps, &operation).await;
        bench.close().await;

        let dps = Bench::prepared(&db, &[hub], |_| {}).await;
        let trace = dps.trace(accepted.tracking_id).await.unwrap();
        assert_eq!(
            (trace.outcome, trace.transport, trace.address.as_str()),
            (Outcome::Assigned, Transport::Mqtt, "192.0.2.7:40000")
        );
        let steps: Vec<_> = trace.steps.iter().map(|step| step.step.as_str()).collect();
        assert_eq!(
            steps,
            [
                "scope",
                "enrollment",
                "signature",
                "token",
                "allocation",
                "reprovision",
                "record",
                "admit",
                "record"
            ]
        );
        let owner = Http::owner(&dps);
        let got = owner.send("GET", &format!("/traces/{refused}"), &[], "").await;
        assert_eq!((got.status, &got.body["outcome"]), (200, &json!("refused")));
        let list = owner.send("GET", "/traces?registrationId=d1&top=5", &[], "").await;
        assert_eq!(list.body.as_array().unwrap().len(), 2);
        assert!(serde_json::from_value::<Vec<Trace>>(list.body).is_ok(), "as the CLI reads it");
        for path in ["/traces/banana", "/traces?top=0"] {
            assert_eq!(owner.send("GET", path, &[], "").await.status, 400, "{path}");
        }
        let unknown = TrackingId::random(&|bytes: &mut [u8]| bytes.fill(0));
        assert_eq!(owner.send("GET", &format!("/traces/{unknown}"), &[], "").await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn traces_go_by_number_and_by_age() {
    for_each_engine(async |db| {
        let dps = Bench::prepared(&db, &[Shelf::new(HUB_1)], |settings| settings.limits.traces_max = 3).await;
        for n in 0..5 {
            Device::new(&format!("d{n}")).register(&dps).await;
        }
        dps.flush_traces().await;
        let kept = async || dps.latest_traces(None, 10).await.unwrap().len();
        assert_eq!(kept().await, 5);
        assert!(dps.tick(now()).await.is_some());
        assert_eq!(kept().await, 3);
        dps.tick(now() + SignedDuration::from_hours(24 * 8)).await;
        assert_eq!(kept().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_connection_refused_before_a_request_is_traced_too() {
    let db = muster_store::Db::open_memory().await.unwrap();
    let dps = Bench::prepared(&db, &[Shelf::new(HUB_1)], |_| {}).await;
    let device = Device::new("d1");
    let username = "0ne1/registrations/d1/nonsense";
    let refused =
        dps.refuse_connection(&device.0.peer, Transport::Mqtt, username, &"it is nonsense: correct it");
    assert_eq!(refused.code, 4);
    let trace = dps.trace(refused.tracking_id).await.unwrap();
    assert_eq!((trace.id_scope.as_str(), trace.registration_id.as_str()), ("0ne1", "d1"));
    assert_eq!(trace.steps[0].fix.as_deref(), Some("correct it"));

    let mut elsewhere = device;
    assert_eq!(dps.greet(&elsewhere.0), Ok(()));
    elsewhere.0.scope = "0ne9".to_owned();
    assert_eq!(dps.greet(&elsewhere.0).unwrap_err().code, 5);
    db.close().await;
}
