//! The service API as SDKs use it: requests from captures, answers as each of them needs them (dps.md §7).

use muster_sas::sign;
use muster_test_engines::for_each_engine;
use serde_json::{Value, json};

use super::{Bench, Device, Got, HUB_1, Http, Shelf, key, now, root, symmetric, x509};

const VERSION: &str = "api-version=2021-10-01";

fn error(got: &Got) -> (u16, u64) {
    assert!(got.body["trackingId"].is_string() && got.body["timestampUtc"].is_string());
    assert_eq!(got.header("x-ms-error-code").unwrap(), got.body["errorCode"].to_string());
    assert_eq!(got.header("x-ms-request-id").unwrap(), got.body["trackingId"]);
    (got.status, got.body["errorCode"].as_u64().unwrap())
}

#[tokio::test]
async fn an_enrollment_lives_as_node_writes_reads_changes_and_deletes_it() {
    for_each_engine(async |db| {
        let dps = Bench::prepared(&db, &[Shelf::new(HUB_1)], |_| {}).await;
        let owner = Http::owner(&dps);
        let path = format!("/enrollments/acc-enr?{VERSION}");
        // Captured: azure-iot-provisioning-service 1.11.2.
        let body = r#"{"registrationId":"acc-enr","attestation":{"type":"symmetricKey"},"deviceId":"acc-enr-d","provisioningStatus":"enabled","initialTwin":{"tags":{"a":1},"properties":{"desired":{"b":2}}}}"#;
        let made = owner.send("PUT", &path, &[], body).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let keys = &made.body["attestation"]["symmetricKey"];
        for member in ["primaryKey", "secondaryKey"] {
            assert_eq!(keys[member].as_str().unwrap().len(), 88, "64 bytes in base64");
        }
        let etag = made.header("etag").unwrap().to_owned();
        assert_eq!(made.body["etag"], etag);
        let expected = json!({
            "registrationId": "acc-enr", "deviceId": "acc-enr-d",
            "attestation": { "type": "symmetricKey" },
            "capabilities": { "iotEdge": false },
            "initialTwin": { "tags": { "a": 1 }, "properties": { "desired": { "b": 2 } } },
            "provisioningStatus": "enabled",
            "reprovisionPolicy": { "updateHubAssignment": true, "migrateDeviceData": true },
            "allocationPolicy": "hashed",
            "etag": etag,
            "createdDateTimeUtc": "2026-11-20T12:00:00.0000000Z",
            "lastUpdatedDateTimeUtc": "2026-11-20T12:00:00.0000000Z",
        });
        let read = owner.send("GET", &path, &[], "").await;
        assert_eq!((read.status, &read.body), (200, &expected));

        let mechanism = format!("/enrollments/ACC-ENR/attestationmechanism?{VERSION}");
        let shown = owner.send("POST", &mechanism, &[], "").await;
        assert_eq!(shown.body, made.body["attestation"]);

        // It writes back what PUT answered, with one change.
        let mut changed = made.body.clone();
        changed["provisioningStatus"] = json!("disabled");
        let changed = owner.send("PUT", &path, &[("if-match", &etag)], &changed.to_string()).await;
        assert_eq!((changed.status, &changed.body["provisioningStatus"]), (200, &json!("disabled")));
        assert_ne!(changed.header("etag").unwrap(), etag);
        // C# and Java write back what GET answered, without keys: they stay.
        let kept = owner.send("PUT", &path, &[("if-match", "*")], &read.body.to_string()).await;
        assert_eq!(&kept.body["attestation"]["symmetricKey"], keys);

        assert_eq!(error(&owner.send("PUT", &path, &[("if-match", &etag)], body).await), (412, 412_001));
        assert_eq!(error(&owner.send("PUT", &path, &[], body).await), (409, 409_201));
        assert_eq!(error(&owner.send("PUT", &path, &[("if-match", "a b")], body).await), (400, 400_004));
        assert_eq!(error(&owner.send("DELETE", &path, &[("if-match", "\"old\"")], "").await), (412, 412_001));
        assert_eq!(owner.send("DELETE", &path, &[], "").await.status, 204);
        assert_eq!(error(&owner.send("GET", &path, &[], "").await), (404, 404_201));
        assert_eq!(error(&owner.send("DELETE", &path, &[], "").await), (404, 404_201));
        assert_eq!(error(&owner.send("PUT", &path, &[("if-match", &etag)], body).await), (404, 404_201));
    })
    .await;
}

#[tokio::test]
async fn the_clis_bodies_and_every_spelling_of_a_path_are_taken() {
    for_each_engine(async |db| {
        let dps = Bench::prepared(&db, &[Shelf::new(HUB_1)], |_| {}).await;
        let owner = Http::owner(&dps);
        // Captured: azure-cli with azure-iot 0.25.0.
        let individual = r#"{"registrationId": "azenr", "optionalDeviceInformation": {}, "attestation": {"type": "symmetricKey", "symmetricKey": {}}, "capabilities": {"iotEdge": false}, "initialTwin": {"tags": {}, "properties": {"desired": {}}}, "reprovisionPolicy": {"updateHubAssignment": true, "migrateDeviceData": true}}"#;
        let made = owner.send("PUT", &format!("/enrollments/azenr?{VERSION}"), &[], individual).await;
        assert_eq!((made.status, &made.body["optionalDeviceInformation"]), (200, &json!({})));
        let group = r#"{"enrollmentGroupId": "az:grp", "attestation": {"type": "symmetricKey", "symmetricKey": {}}, "capabilities": {"iotEdge": false}, "initialTwin": {"tags": {}, "properties": {"desired": {}}}, "reprovisionPolicy": {"updateHubAssignment": true, "migrateDeviceData": true}}"#;
        assert_eq!(owner.send("PUT", &format!("/enrollmentGroups/az:grp?{VERSION}"), &[], group).await.status, 200);
        for path in ["/enrollmentgroups/az%3Agrp", "/EnrollmentGroups/AZ:GRP/", "/enrollmentGroups/az%3agrp/"] {
            let read = owner.send("GET", &format!("{path}?{VERSION}"), &[], "").await;
            assert_eq!((read.status, &read.body["enrollmentGroupId"]), (200, &json!("az:grp")), "{path}");
        }
        let query = r#"{"query": "{'additional_properties': {}, 'query': 'SELECT *'}"}"#;
        let page = owner.send("POST", &format!("/enrollments/query?{VERSION}"), &[], query).await;
        assert_eq!((page.header("x-ms-item-type"), page.body[0]["registrationId"].as_str()), (Some("Enrollment"), Some("azenr")));
        assert!(page.body[0]["attestation"].get("symmetricKey").is_none());
    })
    .await;
}

#[tokio::test]
async fn certificates_are_answered_as_their_description() {
    for_each_engine(async |db| {
        let dps = Bench::prepared(&db, &[Shelf::new(HUB_1)], |_| {}).await;
        let owner = Http::owner(&dps);
        let top = root("factory");
        let path = format!("/enrollmentGroups/g?{VERSION}");
        let body =
            json!({ "enrollmentGroupId": "g", "attestation": x509("signingCertificates", &top.certificate) });
        let made = owner.send("PUT", &path, &[], &body.to_string()).await;
        let primary = &made.body["attestation"]["x509"]["signingCertificates"]["primary"];
        assert_eq!(primary["info"]["subjectName"], "CN=factory");
        assert_eq!(primary["info"]["sha1Thumbprint"], top.certificate.sha1().to_string());
        for member in ["sha256Thumbprint", "issuerName", "notBeforeUtc", "notAfterUtc", "serialNumber"] {
            assert!(primary["info"][member].is_string(), "{member}");
        }
        assert_eq!((&primary["info"]["version"], primary.get("certificate")), (&json!(3), None));
        // Written back as read, the certificate stays.
        let read = owner.send("GET", &path, &[], "").await;
        assert_eq!(owner.send("PUT", &path, &[("if-match", "*")], &read.body.to_string()).await.status, 200);

        let mut foreign = read.body.clone();
        foreign["attestation"]["x509"]["signingCertificates"]["primary"]["info"]["sha256Thumbprint"] =
            json!("00");
        let refused = owner.send("PUT", &path, &[("if-match", "*")], &foreign.to_string()).await;
        assert_eq!(error(&refused), (400, 400_004));
    })
    .await;
}

#[tokio::test]
async fn a_query_goes_on_where_it_stopped_and_ends_without_a_continuation() {
    for_each_engine(async |db| {
        let dps = Bench::prepared(&db, &[Shelf::new(HUB_1)], |_| {}).await;
        let owner = Http::owner(&dps);
        let entry = |n: usize| {
            let status = if n.is_multiple_of(3) { "disabled" } else { "enabled" };
            json!({ "registrationId": format!("b{n}"), "attestation": { "type": "symmetricKey" }, "provisioningStatus": status })
        };
        let body = json!({ "mode": "create", "enrollments": (0..7).map(entry).collect::<Vec<_>>() }).to_string();
        let made = owner.send("POST", &format!("/enrollments/?{VERSION}"), &[], &body).await;
        assert_eq!(made.body, json!({ "isSuccessful": true, "errors": [] }));

        let path = format!("/enrollments/query?{VERSION}");
        let ids = |got: &Got| -> Vec<String> {
            let items = got.body.as_array().unwrap();
            items.iter().map(|item| item["registrationId"].as_str().unwrap().to_owned()).collect()
        };
        let mut seen = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut headers = vec![("x-ms-max-item-count", "3")];
            headers.extend(token.as_deref().map(|token| ("x-ms-continuation", token)));
            let page = owner.send("POST", &path, &headers, r#"{"query":"*"}"#).await;
            seen.extend(ids(&page));
            token = page.header("x-ms-continuation").map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["b0", "b1", "b2", "b3", "b4", "b5", "b6"]);
        let disabled = r#"{"query":"select * from enrollments where provisioningStatus='disabled'"}"#;
        let headers = [("x-ms-max-item-count", "2")];
        let page = owner.send("POST", &path, &headers, disabled).await;
        assert_eq!(ids(&page), ["b0", "b3"]);
        let token = page.header("x-ms-continuation").unwrap();
        let rest = owner.send("POST", &path, &[headers[0], ("x-ms-continuation", token)], disabled).await;
        assert_eq!((ids(&rest), rest.header("x-ms-continuation")), (vec!["b6".to_owned()], None));

        for (headers, body) in [
            (&[("x-ms-max-item-count", "0")][..], "{}"),
            (&[("x-ms-max-item-count", "many")], "{}"),
            (&[("x-ms-continuation", "!")], "{}"),
            (&[], r#"{"query":"DROP TABLE"}"#),
            (&[], r#"{"query":7}"#),
        ] {
            assert_eq!(error(&owner.send("POST", &path, headers, body).await), (400, 400_004), "{headers:?} {body}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_bulk_calls_items_fail_one_by_one() {
    for_each_engine(async |db| {
        let dps = Bench::prepared(&db, &[Shelf::new(HUB_1)], |_| {}).await;
        let owner = Http::owner(&dps);
        let call = async |mode: &str, items: Value| {
            let body = json!({ "mode": mode, "enrollments": items }).to_string();
            owner.send("POST", &format!("/enrollments?{VERSION}"), &[], &body).await
        };
        let entry = |name: &str| json!({ "registrationId": name, "attestation": { "type": "symmetricKey", "symmetricKey": { "primaryKey": "", "secondaryKey": "" } } });
        assert_eq!(call("create", json!([entry("a"), entry("b")])).await.body["isSuccessful"], true);
        let mixed = call("create", json!([entry("b"), entry("c"), entry("not an id")])).await;
        assert_eq!((mixed.status, &mixed.body["isSuccessful"]), (200, &json!(false)));
        let errors = mixed.body["errors"].as_array().unwrap();
        let brief: Vec<_> = errors.iter().map(|error| (error["registrationId"].as_str().unwrap(), error["errorCode"].as_u64().unwrap())).collect();
        assert_eq!(brief, [("b", 409_201), ("", 400_004)]);
        assert_eq!(call("update", json!([entry("a")])).await.body["isSuccessful"], true);
        assert_eq!(call("update", json!([entry("z")])).await.body["errors"][0]["errorCode"], 404_201);
        let mut stale = entry("a");
        stale["etag"] = json!("\"0000\"");
        assert_eq!(call("updateIfMatchETag", json!([stale])).await.body["errors"][0]["errorCode"], 412_001);
        assert_eq!(call("updateIfMatchETag", json!([entry("a")])).await.body["errors"][0]["errorCode"], 400_004);
        let gone = call("delete", json!([entry("a"), { "registrationId": "c" }, { "registrationId": "z" }])).await;
        assert_eq!(gone.body["errors"].as_array().unwrap().len(), 1);
        assert_eq!(error(&call("erase", json!([])).await), (400, 400_004));
        let many = (0..1001).map(|n| entry(&format!("m{n}"))).collect::<Vec<_>>();
        assert_eq!(error(&call("create", many.into()).await), (400, 400_004));
    })
    .await;
}

#[tokio::test]
async fn registrations_are_read_listed_and_deleted() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let owner = Http::owner(&bench.dps);
        super::group(&bench.dps, "g", json!({ "attestation": symmetric(&key(1), &key(2)) })).await;
        for name in ["d1", "d2"] {
            Device::new(name).with_key(&key(1).derive(name)).provisioned(&bench.dps).await;
        }
        let path = format!("/registrations/d1?{VERSION}");
        let read = owner.send("GET", &path, &[], "").await;
        assert_eq!((read.status, &read.body["assignedHub"]), (200, &json!(HUB_1)));
        assert!(read.body.get("symmetricKey").is_none(), "the service sees no attestation");
        // The CLI sends no body at all.
        let query = format!("/registrations/g/query?{VERSION}");
        let page = owner.send("POST", &query, &[("x-ms-max-item-count", "1")], "").await;
        assert_eq!(page.header("x-ms-item-type"), Some("DeviceRegistration"));
        assert_eq!(
            (page.body.as_array().unwrap().len(), page.header("x-ms-continuation").is_some()),
            (1, true)
        );

        assert_eq!(error(&owner.send("DELETE", &path, &[("if-match", "\"x\"")], "").await), (412, 412_001));
        let etag = read.body["etag"].as_str().unwrap();
        assert_eq!(
            owner.send("DELETE", &path, &[("if-match", &format!("\"{etag}\""))], "").await.status,
            204
        );
        assert_eq!(error(&owner.send("GET", &path, &[], "").await), (404, 404_203));

        // A single enrollment shows its registration.
        super::enroll(&bench.dps, "d3", json!({ "attestation": symmetric(&key(5), &key(6)) })).await;
        Device::new("d3").with_key(&key(5)).provisioned(&bench.dps).await;
        let read = owner.send("GET", &format!("/enrollments/d3?{VERSION}"), &[], "").await;
        assert_eq!(read.body["registrationState"]["status"], "assigned");
        let page = owner.send("POST", &format!("/enrollments/query?{VERSION}"), &[], "{}").await;
        assert_eq!(page.body[0]["registrationState"]["deviceId"], "d3");
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn stored_certificates_anchor_when_verified_and_only_then() {
    for_each_engine(async |db| {
        let bench = Bench::open(&db, &[Shelf::new(HUB_1)]).await;
        let owner = Http::owner(&bench.dps);
        let top = root("factory");
        let text = muster_x509::to_pem(top.certificate.der());
        let group =
            json!({ "attestation": { "type": "x509", "x509": { "caReferences": { "primary": "Root-1" } } } })
                .to_string();
        let group_path = format!("/enrollmentGroups/g?{VERSION}");
        assert_eq!(error(&owner.send("PUT", &group_path, &[], &group).await), (400, 400_004));

        let stored =
            owner.send("PUT", "/certificates/Root-1", &[], &json!({ "certificate": text }).to_string()).await;
        assert_eq!((stored.status, &stored.body["isVerified"]), (200, &json!(false)), "{}", stored.body);
        assert_eq!(owner.send("PUT", &group_path, &[], &group).await.status, 200);
        let leaf = super::leaf("d1", &top);
        let device = Device::new("d1").with_chain(&[&leaf]);
        assert_eq!(device.register(&bench.dps).await.status, 401);

        let verified = json!({ "properties": { "certificate": text, "isVerified": true } }).to_string();
        assert_eq!(error(&owner.send("PUT", "/certificates/root-1", &[], &verified).await), (409, 409_201));
        let etag = stored.header("etag").unwrap();
        assert_eq!(
            owner.send("PUT", "/certificates/root-1", &[("if-match", etag)], &verified).await.status,
            200
        );
        assert_eq!(device.provisioned(&bench.dps).await["x509"]["enrollmentGroupId"], "g");

        let list = owner.send("GET", "/certificates", &[], "").await;
        assert_eq!(
            (&list.body[0]["name"], &list.body[0]["info"]["subjectName"]),
            (&json!("Root-1"), &json!("CN=factory"))
        );
        let any = [("if-match", "*")];
        assert_eq!(error(&owner.send("DELETE", "/certificates/root-1", &any, "").await), (409, 409_201));
        assert_eq!(owner.send("DELETE", &group_path, &[], "").await.status, 204);
        assert_eq!(error(&owner.send("DELETE", "/certificates/root-1", &[], "").await), (400, 400_004));
        assert_eq!(owner.send("DELETE", "/certificates/root-1", &any, "").await.status, 204);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn tokens_open_what_their_policy_may() {
    let db = muster_store::Db::open_memory().await.unwrap();
    let dps = Bench::prepared(&db, &[Shelf::new(HUB_1)], |settings| {
        let mut reader = settings.policies[0].clone();
        reader.name = "reader".to_owned();
        reader.rights = "EnrollmentRead".parse().unwrap();
        settings.policies.push(reader);
    })
    .await;
    let path = format!("/enrollments/d1?{VERSION}");
    let body = json!({ "attestation": { "type": "symmetricKey" } }).to_string();
    let mut http = Http::owner(&dps);
    assert_eq!(http.send("PUT", &path, &[], &body).await.status, 200);
    let token = |resource: &str, key: &muster_sas::Key, expires_s: i64, policy: &str| {
        Some(sign(resource, key, expires_s, Some(policy)))
    };
    let own = dps.settings().policies[0].primary.clone();
    let soon = now().as_second() + 60;
    for authorization in [
        None,
        Some("Bearer eyJ".to_owned()),
        token("dps.example.test", &key(1), soon, "provisioningserviceowner"),
        token("dps.example.test", &own, soon, "nobody"),
        token("other.example.test", &own, soon, "provisioningserviceowner"),
        token("dps.example.test/enrollments/d2", &own, soon, "provisioningserviceowner"),
        token("dps.example.test", &own, soon - 1000, "provisioningserviceowner"),
    ] {
        http.authorization = authorization;
        let got = http.send("GET", &path, &[], "").await;
        assert_eq!((error(&got), got.body["message"].as_str().unwrap()), ((401, 401_002), "Unauthorized"));
    }
    http.authorization = token("dps.example.test/enrollments/d1", &own, soon, "provisioningserviceowner");
    assert_eq!(http.send("GET", &path, &[], "").await.status, 200);

    http.authorization = token("dps.example.test", &own, soon, "reader");
    assert_eq!(http.send("GET", &path, &[], "").await.status, 200);
    let mechanism = format!("/enrollments/d1/attestationmechanism?{VERSION}");
    for (method, path) in
        [("PUT", path.as_str()), ("DELETE", &path), ("POST", &mechanism), ("GET", "/traces")]
    {
        assert_eq!(error(&http.send(method, path, &[], &body).await), (403, 403_000), "{method} {path}");
    }
    assert_eq!(error(&http.send("PATCH", &path, &[], "").await), (405, 405_000));
    assert_eq!(error(&http.send("GET", "/jobs/v2", &[], "").await), (404, 404_000));
    assert_eq!(error(&http.send("GET", "/enrollments/d1", &[], "").await), (400, 400_004));
    assert_eq!(
        error(&http.send("GET", &format!("/enrollments/a%20b?{VERSION}"), &[], "").await),
        (400, 400_004)
    );
    db.close().await;
}
