//! Devices over HTTPS: what Node's and the C SDK's requests need, from captures (dps.md §2).

use muster_sas::sign;
use muster_test_engines::for_each_engine;
use serde_json::json;

use super::{Bench, HUB_1, Http, SCOPE, Shelf, enroll, factory::self_signed, key, now, symmetric, x509};

#[tokio::test]
async fn a_registration_by_node_from_put_to_assigned() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        enroll(&bench.dps, "acc-http", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        let mut device = Http::owner(&bench.dps);
        let resource = format!("{SCOPE}/registrations/acc-http");
        device.authorization = Some(sign(&resource, &key(1), now().as_second() + 3600, Some("registration")));

        let path = format!("/{SCOPE}/registrations/acc-http/register?api-version=2019-03-31");
        let body = r#"{"registrationId":"acc-http","payload":{"colour":"red"}}"#;
        // Documentation's curl sends this bogus encoding.
        let accepted = device.send("PUT", &path, &[("content-encoding", "utf-8")], body).await;
        assert_eq!((accepted.status, accepted.header("retry-after")), (202, Some("3")), "{}", accepted.body);
        assert_eq!(accepted.header("content-type"), Some("application/json; charset=utf-8"));
        let location = format!("https://dps.example.test/{SCOPE}/registrations/acc-http/register");
        assert_eq!(accepted.header("location"), Some(location.as_str()));
        assert_eq!(accepted.header("x-ms-request-id").unwrap().len(), 36);
        let operation = accepted.body["operationId"].as_str().unwrap();
        let parts: Vec<_> = operation.split('.').map(str::len).collect();
        assert_eq!(parts, [1, 16, 36], "5.316aac5bdc130deb.b1e02da8-c3a0-4ff2-a121-7ea7a6b7f550");

        let poll = format!("/{SCOPE}/registrations/acc-http/operations/{operation}?api-version=2019-03-31");
        let ended = device.send("GET", &poll, &[], "{}").await;
        assert_eq!((ended.status, ended.header("retry-after")), (200, None));
        let state = &ended.body["registrationState"];
        assert_eq!((&ended.body["status"], &state["status"]), (&json!("assigned"), &json!("assigned")));
        assert_eq!(state["createdDateTimeUtc"], "2026-11-20T12:00:00.0000000Z");
        assert!(state["etag"].as_str().unwrap().starts_with('I'), "base64 of a quoted ETag");

        let lookup = format!("/{SCOPE}/registrations/acc-http?api-version=2019-03-31");
        assert_eq!(device.send("POST", &lookup, &[], "{}").await.body["assignedHub"], HUB_1);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn encoded_ids_and_client_certificates_come_through() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let own = self_signed("a:b");
        enroll(&bench.dps, "a:b", json!({ "attestation": x509("clientCertificates", &own) })).await;
        let mut device = Http::owner(&bench.dps);
        device.authorization = None;
        device.chain = vec![own.der().to_vec()];
        for name in ["a:b", "a%3Ab", "A%3ab"] {
            let path = format!(
                "/{SCOPE}/Registrations/{name}/register/?api-version=2021-06-01&forceRegistration=true"
            );
            assert_eq!(device.send("PUT", &path, &[], "").await.status, 202, "{name}");
        }
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn requests_that_are_none_are_told_what_is_wrong() {
    let db = muster_store::Db::open_memory().await.unwrap();
    let dps = Bench::prepared(&db, &[Shelf::new(HUB_1)], |_| {}).await;
    let mut device = Http::owner(&dps);
    device.authorization = None;
    let version = "api-version=2019-03-31";
    let large = "x".repeat(96 * 1024 + 1);
    for (method, path, body, code) in [
        ("PUT", format!("/{SCOPE}/registrations/d1/register"), "", 400_004),
        ("PUT", format!("/{SCOPE}/registrations/d1/register?api-version=banana"), "", 400_004),
        ("PUT", format!("/{SCOPE}/registrations/d%20/register?{version}"), "", 400_004),
        ("PUT", format!("/{SCOPE}/registrations/d1/register?{version}"), large.as_str(), 413_000),
        ("PUT", format!("/{SCOPE}/registrations/d1/register?{version}"), "", 401_002),
        ("PUT", format!("/0ne99999999/registrations/d1/register?{version}"), "", 401_002),
        ("GET", format!("/{SCOPE}/registrations/d1/register?{version}"), "", 405_000),
        ("GET", format!("/{SCOPE}/registrations/d1/elsewhere?{version}"), "", 404_000),
    ] {
        let got = device.send(method, &path, &[], body).await;
        assert_eq!(got.body["errorCode"], code, "{method} {path}");
        assert_eq!(u64::from(got.status), code / 1000);
        assert_eq!(got.header("x-ms-error-code").unwrap(), code.to_string());
    }
    device.authorization = Some("Basic abc".to_owned());
    let path = format!("/{SCOPE}/registrations/d1/register?{version}");
    let got = device.send("PUT", &path, &[], "").await;
    assert_eq!((got.status, &got.body["message"]), (401, &json!("Unauthorized")));
    let tracking = crate::TrackingId::parse(got.header("x-ms-request-id").unwrap()).unwrap();
    let trace = dps.trace(tracking).await.unwrap();
    assert_eq!((trace.registration_id.as_str(), trace.id_scope.as_str()), ("d1", SCOPE));
    db.close().await;
}
