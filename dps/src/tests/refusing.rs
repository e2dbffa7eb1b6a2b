//! Devices that may not join, and what they are told; why is in the trace.

use bytes::Bytes;
use jiff::SignedDuration;
use muster_sas::{Token, sign};
use muster_test_engines::for_each_engine;
use serde_json::json;

use super::{
    Bench, Device, HUB_1, SCOPE, Shelf, authority, enroll,
    factory::{expired_leaf, self_signed},
    group, key, leaf, now, root, symmetric, x509,
};
use crate::{
    Answer, Ask, Dps, HubError, TrackingId,
    trace::{Outcome, StepOutcome},
};

use super::shelf::Mood;

/// The failed steps of an attempt, as one text.
async fn why(dps: &Dps, tracking: TrackingId) -> String {
    let trace = dps.trace(tracking).await.unwrap();
    let failed = trace.steps.iter().filter(|step| step.outcome == StepOutcome::Failed);
    failed.map(|step| format!("{} / {:?}\n", step.compared, step.fix)).collect()
}

async fn assert_refused(dps: &Dps, answer: Answer, message: &str, because: &str) {
    assert_eq!(answer.status, 401, "{because}");
    assert_eq!(answer.body["errorCode"], 401_002);
    assert_eq!(answer.body["message"], message);
    assert_eq!(answer.body["trackingId"], answer.tracking_id.to_string());
    assert_eq!(answer.body["timestampUtc"], "2026-11-20T12:00:00.0000000Z");
    assert_eq!(dps.trace(answer.tracking_id).await.unwrap().outcome, Outcome::Refused);
    let why = why(dps, answer.tracking_id).await;
    assert!(why.contains(because), "`{because}` is not in: {why}");
}

#[tokio::test]
async fn strangers_all_hear_the_same_and_the_trace_tells_them_apart() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let dps = &bench.dps;
        enroll(dps, "known", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        group(dps, "g", json!({ "attestation": symmetric(&key(3), &key(4)) })).await;

        let token = |name: &str, resource: &str, expires_s: i64, policy: &str| {
            let mut device = Device::new(name);
            let token = sign(resource, &key(1), expires_s, Some(policy));
            device.0.token = Some(Token::parse(&token).unwrap());
            device
        };
        let soon = now().as_second() + 60;
        let own = format!("{SCOPE}/registrations/known");
        let cases = [
            (Device::new("known").with_key(&key(9)), "signed by neither key"),
            (Device::new("nobody").with_key(&key(9)), "signed by no key derived from a group"),
            // The group's own key is never a device's.
            (Device::new("nobody").with_key(&key(3)), "signed by no key derived from a group"),
            (Device::new("known"), "presented none"),
            (Device::new("nobody"), "neither a token nor a certificate"),
            (token("known", &own, now().as_second() - 301, "registration"), "expired"),
            (
                token("known", &format!("{SCOPE}/registrations/other"), soon, "registration"),
                "the token is for",
            ),
            (token("known", &own, soon, "iothubowner"), "names the policy"),
        ];
        for (device, because) in cases {
            assert_refused(dps, device.register(dps).await, "Unauthorized", because).await;
        }
        let mut elsewhere = Device::new("known").with_key(&key(1));
        elsewhere.0.scope = "0ne99999999".to_owned();
        assert_refused(dps, elsewhere.register(dps).await, "Unauthorized", "0ne99999999").await;

        // Five minutes late is a clock, not an attack.
        let late = token("known", &own, now().as_second() - 299, "registration");
        assert_eq!(late.register(dps).await.status, 202);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn certificates_that_do_not_fit_are_invalid() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let dps = &bench.dps;
        let (top, foreign) = (root("factory"), root("factory"));
        let line = authority("line", &top);
        group(dps, "g", json!({ "attestation": x509("signingCertificates", &top.certificate) })).await;
        let own = self_signed("single");
        enroll(dps, "single", json!({ "attestation": x509("clientCertificates", &own) })).await;

        let (good, through) = (leaf("d1", &top), leaf("d1", &line));
        let forged = leaf("d1", &foreign);
        let expired = expired_leaf("d1", &top);
        let (unknown, other) = (leaf("d1", &root("elsewhere")), self_signed("single"));
        let cases = [
            (Device::new("d2").with_chain(&[&good]), "common name is `d1`"),
            (Device::new("d1").with_chain(&[&through]), "no group for any issuer"),
            (Device::new("d1").with_chain(&[&forged]), "does not verify"),
            (Device::new("d1").with_chain(&[&expired]), "expired"),
            (Device::new("d1").with_chain(&[&unknown]), "no group for any issuer"),
            (Device::new("single").with_chain(&[&other]), "is none of individual enrollment"),
        ];
        for (device, because) in cases {
            assert_refused(dps, device.register(dps).await, "Invalid certificate.", because).await;
        }
        let mut garbage = Device::new("d1");
        garbage.0.peer.chain = [vec![1, 2, 3]].into();
        assert_refused(dps, garbage.register(dps).await, "Invalid certificate.", "not DER").await;
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_disabled_individual_refuses_even_when_its_group_would_admit() {
    for_each_engine(async |db| {
        let hub = Shelf::new(HUB_1);
        let bench = Bench::open(&db, std::slice::from_ref(&hub)).await;
        let top = root("factory");
        let device = leaf("d1", &top);
        group(&bench.dps, "g", json!({ "attestation": x509("signingCertificates", &top.certificate) })).await;
        let body =
            json!({ "attestation": x509("clientCertificates", &device), "provisioningStatus": "disabled" });
        enroll(&bench.dps, "d1", body).await;

        let state = Device::new("d1").with_chain(&[&device]).provisioned(&bench.dps).await;
        assert_eq!(state["status"], "disabled");
        assert!(state.get("assignedHub").is_none());
        assert_eq!(hub.devices(), Vec::<String>::new());
        let record = bench.dps.registration(&super::id("d1")).await.unwrap();
        assert_eq!(record.for_service()["status"], "disabled");
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_disabled_group_near_the_leaf_refuses_though_a_higher_one_is_enabled() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let top = root("factory");
        let line = authority("line", &top);
        let near = json!({
            "attestation": x509("signingCertificates", &line.certificate), "provisioningStatus": "disabled",
        });
        group(&bench.dps, "near", near).await;
        group(&bench.dps, "far", json!({ "attestation": x509("signingCertificates", &top.certificate) }))
            .await;
        let device = leaf("d1", &line);
        let device = Device::new("d1").with_chain(&[&device, &line.certificate]);
        assert_eq!(device.provisioned(&bench.dps).await["status"], "disabled");

        // Deleting that group lets the higher one decide.
        let any = crate::enrollment::Precondition::Any;
        bench
            .dps
            .delete_enrollment(
                crate::EnrollmentKind::Group,
                &super::id("near"),
                &any,
                &muster_ca::Caller::process(),
                now(),
            )
            .await
            .unwrap();
        let state = device.provisioned(&bench.dps).await;
        assert_eq!(
            (&state["status"], &state["x509"]["enrollmentGroupId"]),
            (&json!("assigned"), &json!("far"))
        );
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn without_a_hub_or_with_one_that_refuses_the_registration_fails_with_a_reason() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[]).await;
        group(&bench.dps, "g", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let device = Device::new("d1").with_key(&key(1).derive("d1"));
        let state = device.provisioned(&bench.dps).await;
        assert_eq!((&state["status"], &state["errorCode"]), (&json!("failed"), &json!(400_208)));
        bench.close().await;

        let hub = Shelf::new(HUB_1);
        let bench = Bench::open(&db, std::slice::from_ref(&hub)).await;
        hub.set(Mood::Fails(HubError::Unauthorized("the key was rotated".to_owned())));
        let state = device.provisioned(&bench.dps).await;
        assert_eq!((&state["status"], &state["errorCode"]), (&json!("failed"), &json!(401_002)));
        assert!(state["errorMessage"].as_str().unwrap().contains("the key was rotated"));
        hub.set(Mood::Fails(HubError::Refused("the hub is full".to_owned())));
        assert_eq!(device.provisioned(&bench.dps).await["errorCode"], 400_000);
        hub.set(Mood::Well);
        assert_eq!(device.provisioned(&bench.dps).await["status"], "assigned");
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn bodies_are_judged_by_size_shape_and_name() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        enroll(&bench.dps, "d1", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let device = Device::new("d1").with_key(&key(1));
        let cases = [
            (Bytes::new(), 202),
            (Bytes::from(" "), 202),
            (Bytes::from("null"), 202),
            (Bytes::from(r#"{"payload":{"colour":"red"},"tpm":null}"#), 202),
            (Bytes::from(r#"{"registrationId":"D1","payload":"text"}"#), 202),
            (Bytes::from(r#"{"registrationId":"d2"}"#), 400),
            (Bytes::from(r#"{"registrationId":7}"#), 400),
            (Bytes::from(r#"{"csr":"MIIB"}"#), 400),
            (Bytes::from(r#"{"tpm":{"endorsementKey":"AToA"}}"#), 400),
            (Bytes::from("[]"), 400),
            (Bytes::from("{"), 400),
            (Bytes::from(vec![b' '; 96 * 1024]), 202),
            (Bytes::from(vec![b' '; 96 * 1024 + 1]), 413),
        ];
        for (body, status) in cases {
            let answer = device.ask(&bench.dps, Ask::Register { force: false, body: body.clone() }).await;
            assert_eq!(answer.status, status, "{body:?}: {}", answer.body);
        }
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_device_gone_wild_waits_and_a_stranger_cannot_make_it_wait() {
    let db = muster_store::Db::open_memory().await.unwrap();
    let dps = Bench::prepared(&db, &[Shelf::new(HUB_1)], |settings| {
        settings.limits.identity_per_s = 1;
        settings.limits.identity_burst = 2;
        settings.limits.source_burst = 8;
        settings.limits.source_per_s = 1;
    })
    .await;
    enroll(&dps, "d1", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
    for _ in 0..3 {
        assert_eq!(Device::new("d1").with_key(&key(9)).register(&dps).await.status, 401);
    }
    let device = Device::new("d1").with_key(&key(1));
    assert_eq!(device.register(&dps).await.status, 202);
    assert_eq!(device.register(&dps).await.status, 202);
    let answer = device.register(&dps).await;
    assert_eq!((answer.status, answer.retry_after_s), (429, Some(3)));
    assert_eq!(answer.body["errorCode"], 429_001);
    let later = now() + SignedDuration::from_secs(1);
    let body = Bytes::new();
    assert_eq!(dps.ask(&device.0, Ask::Register { force: false, body }, later).await.status, 202);
    // The address has had its eight.
    assert_eq!(Device::new("d2").register(&dps).await.status, 401);
    assert_eq!(Device::new("d2").register(&dps).await.status, 429);
    db.close().await;
}
