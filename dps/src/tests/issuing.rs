//! Devices that register with a certification request, and those whose certificates were taken back.

use std::{io::Read, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use muster_ca::{AuthorityId, Ca, Caller, Reason, What};
use muster_identity::{Authentication, Entropy};
use muster_store::Db;
use muster_test_engines::{for_each_engine, for_each_place};
use muster_x509::Certificate;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, DnType, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Bench, Device, HUB_1, Http, Shelf, group, key, now, shelf::Mood, symmetric, x509};
use crate::{Answer, Ask, Dps, OperationId, trace::Outcome};

/// Serials are drawn anew in every run of an authority.
fn random() -> Entropy {
    Arc::new(|bytes: &mut [u8]| {
        std::fs::File::open("/dev/urandom").unwrap().read_exact(bytes).unwrap();
    })
}

pub(super) async fn authority(dir: &TempDir, db: &Db) -> Arc<Ca> {
    Ca::open(muster_ca::Settings::new(dir.path()), db.clone(), random(), now()).await.unwrap()
}

/// A group of devices that get certificates.
pub(super) async fn certified_group(dps: &Dps) {
    let attestation = symmetric(&key(1), &key(2));
    group(dps, "g", json!({ "attestation": attestation, "credentialPolicyName": "device" })).await;
}

pub(super) fn device(name: &str) -> Device {
    Device::new(name).with_key(&key(1).derive(name))
}

pub(super) fn csr(common_name: &str) -> String {
    csr_with(common_name, |_| {})
}

fn csr_with(common_name: &str, bend: impl FnOnce(&mut CertificateParams)) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    bend(&mut params);
    let key = KeyPair::generate().unwrap();
    BASE64_STANDARD.encode(params.serialize_request(&key).unwrap().der())
}

async fn register(device: &Device, dps: &Dps, csr: &str) -> Answer {
    let body = json!({ "registrationId": device.0.registration_id, "csr": csr }).to_string();
    device.ask(dps, Ask::Register { force: false, body: Bytes::from(body) }).await
}

pub(super) async fn accepted(device: &Device, dps: &Dps, csr: &str) -> (OperationId, Answer) {
    let answer = register(device, dps, csr).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    (OperationId::new(answer.body["operationId"].as_str().unwrap()), answer)
}

pub(super) fn chain(state: &Value) -> Vec<Certificate> {
    let chain = state["issuedCertificateChain"].as_array().unwrap_or_else(|| panic!("no chain in {state}"));
    let der = |text: &Value| BASE64_STANDARD.decode(text.as_str().unwrap()).unwrap();
    chain.iter().map(|text| Certificate::parse(&der(text)).unwrap()).collect()
}

/// What a trace says of one step.
async fn said(dps: &Dps, answer: &Answer, step: &str) -> Vec<String> {
    let trace = dps.trace(answer.tracking_id).await.unwrap();
    trace.steps.into_iter().filter(|it| it.step == step).map(|it| it.compared).collect()
}

#[tokio::test]
async fn a_device_gets_its_certificate_with_its_hub_and_its_twin_says_when_to_renew() {
    for_each_engine(async |db| {
        let (hub, dir) = (Shelf::new(HUB_1), TempDir::new().unwrap());
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, std::slice::from_ref(&hub), &ca).await;
        certified_group(&bench.dps).await;
        let device = device("Pump-1");
        let (operation, answer) = accepted(&device, &bench.dps, &csr("Pump-1")).await;
        let state = device.ends(&bench.dps, &operation).await;
        assert_eq!((&state["status"], &state["deviceId"]), (&json!("assigned"), &json!("Pump-1")));

        let issued = chain(&state);
        let ours = ca.chain(&AuthorityId::issuing());
        assert_eq!((issued.len(), &issued[1..]), (3, &ours[..]));
        assert_eq!(issued[0].common_name(), Some("Pump-1"));
        let identified = ca.identify(&[issued[0].der().to_vec()], now()).unwrap();
        assert_eq!(identified.holder.unwrap().name, "pump-1");
        // The token it registered with does not let it into the hub.
        assert_eq!(hub.authentication("Pump-1"), Authentication::CertificateAuthority);
        let twin = Value::Object(hub.state("Pump-1").desired.properties);
        let told = &twin["muster"]["certificate"];
        assert_eq!(told["serial"], hex::encode(identified.serial));
        assert_eq!(told["notAfter"], format!("{:.7}", identified.not_after));
        assert!(told["renewBy"].as_str() < told["notAfter"].as_str(), "{told}");

        // As often as it is polled; but a lookup shows none, and takes no request.
        assert_eq!(device.ends(&bench.dps, &operation).await, state);
        let lookup = device.ask(&bench.dps, Ask::Lookup { body: Bytes::new() }).await;
        assert_eq!((lookup.status, lookup.body.get("issuedCertificateChain")), (200, None));
        let body = Bytes::from(json!({ "csr": csr("Pump-1") }).to_string());
        let lookup = device.ask(&bench.dps, Ask::Lookup { body }).await;
        assert_eq!((lookup.status, &lookup.body["errorCode"]), (400, &json!(400_004)));

        let steps = said(&bench.dps, &answer, "certificate").await;
        assert_eq!(steps[0], "the device asks for one by profile `device` of authority `issuing`");
        let issued =
            format!("authority `issuing` issued `{}` by profile `device@1`", hex::encode(identified.serial));
        assert!(steps[1].starts_with(&issued) && steps[1].contains("of its log"), "{steps:?}");

        // Without a request it keeps what it has.
        let again = device.provisioned(&bench.dps).await;
        assert_eq!((&again["status"], again.get("issuedCertificateChain")), (&json!("assigned"), None));
        assert_eq!(hub.authentication("Pump-1"), Authentication::CertificateAuthority);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn requests_that_are_none_are_refused_at_once_and_change_nothing() {
    for_each_engine(async |db| {
        let (hub, dir) = (Shelf::new(HUB_1), TempDir::new().unwrap());
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, std::slice::from_ref(&hub), &ca).await;
        certified_group(&bench.dps).await;
        let mut broken = BASE64_STANDARD.decode(csr("d1")).unwrap();
        *broken.last_mut().unwrap() ^= 1;
        for (sent, why) in [
            (csr("d2"), "common name of `csr` is `d2`, the registration id is `d1`"),
            (
                csr_with("", |it| it.distinguished_name = DistinguishedName::new()),
                "common name of `csr` is missing",
            ),
            ("hello".to_owned(), "certification request"),
            (BASE64_STANDARD.encode(broken), "is not signed by the key that it contains"),
        ] {
            let answer = register(&device("d1"), &bench.dps, &sent).await;
            assert_eq!((answer.status, &answer.body["errorCode"]), (400, &json!(400_004)), "{answer:?}");
            let told = answer.body["message"].as_str().unwrap();
            assert!(told.starts_with("field `csr`: "), "{told}");
            let steps = said(&bench.dps, &answer, "certificate").await;
            assert!(told.contains(why), "{told}");
            assert_eq!(steps.len(), 1, "{steps:?}");
        }
        // Nobody gets one who was not promised one.
        group(&bench.dps, "plain", json!({ "attestation": symmetric(&key(5), &key(6)) })).await;
        let plain = Device::new("d1").with_key(&key(5).derive("d1"));
        let answer = register(&plain, &bench.dps, &csr("d1")).await;
        assert_eq!(answer.status, 400);
        assert!(
            answer.body["message"]
                .as_str()
                .unwrap()
                .contains("enrollment group `plain` has no `credentialPolicyName`")
        );
        // A stranger hears nothing of it.
        let stranger = Device::new("d1").with_key(&key(9));
        let answer = register(&stranger, &bench.dps, "hello").await;
        assert_eq!((answer.status, &answer.body["message"]), (401, &json!("Unauthorized")));
        assert_eq!(hub.devices(), Vec::<String>::new());
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_the_authority_refuses_ends_the_registration_with_its_reason() {
    for_each_engine(async |db| {
        let (hub, dir) = (Shelf::new(HUB_1), TempDir::new().unwrap());
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, std::slice::from_ref(&hub), &ca).await;
        certified_group(&bench.dps).await;
        let device = device("d1");
        let asks_to_be_one = csr_with("d1", |params| {
            let constraints = CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 3, 1, 1, 0xff]);
            params.custom_extensions.push(constraints);
        });
        let (operation, answer) = accepted(&device, &bench.dps, &asks_to_be_one).await;
        let state = device.ends(&bench.dps, &operation).await;
        assert_eq!((&state["status"], &state["errorCode"]), (&json!("failed"), &json!(400_040)));
        let told = state["errorMessage"].as_str().unwrap();
        assert!(told.starts_with("certification request asks to be an authority"), "{told}");
        let steps = said(&bench.dps, &answer, "certificate").await;
        assert!(told.starts_with(steps.last().unwrap().as_str()), "{steps:?}");
        assert_eq!(hub.admissions(), 0, "a device without its certificate is not admitted");

        // A key is one device's.
        let shared = csr("d1");
        let (operation, _) = accepted(&device, &bench.dps, &shared).await;
        assert_eq!(device.ends(&bench.dps, &operation).await["status"], "assigned");
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_crash_before_or_after_issuing_ends_with_one_certificate() {
    for_each_place(async |place| {
        let (hub, dir) = (Shelf::new(HUB_1), TempDir::new().unwrap());
        let hubs = std::slice::from_ref(&hub);
        let (db, d1, d2) = (place.open().await, device("d1"), device("d2"));
        // One is accepted and nothing more; of the other the hub has it, and nobody wrote that down.
        let ca = authority(&dir, &db).await;
        let idle = Bench::preparing(&db, hubs, Some(&ca)).await;
        certified_group(&idle).await;
        let (before, _) = accepted(&d1, &idle, &csr("d1")).await;
        drop(idle);
        let bench = Bench::certifying(&db, hubs, &ca).await;
        assert_eq!(chain(&d1.ends(&bench.dps, &before).await).len(), 3);
        hub.set(Mood::Silent);
        let (after, _) = accepted(&d2, &bench.dps, &csr("d2")).await;
        while hub.devices().len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let Bench { dps, worker, .. } = bench;
        worker.abort();
        let _ = worker.await;
        drop((dps, ca));
        db.close().await;

        hub.set(Mood::Well);
        let db = place.open().await;
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, hubs, &ca).await;
        let issued = chain(&d2.ends(&bench.dps, &after).await);
        let told = Value::Object(hub.state("d2").desired.properties);
        let serial = told["muster"]["certificate"]["serial"].as_str().unwrap().to_owned();
        assert_eq!(hex::encode(issued[0].serial()), serial, "the same as before the crash");
        bench.close().await;
        db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_revoked_certificate_proves_nothing_and_the_trace_says_when_and_why() {
    for_each_engine(async |db| {
        let (hub, dir) = (Shelf::new(HUB_1), TempDir::new().unwrap());
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, std::slice::from_ref(&hub), &ca).await;
        certified_group(&bench.dps).await;
        let (operation, _) = accepted(&device("d1"), &bench.dps, &csr("d1")).await;
        let issued = chain(&device("d1").ends(&bench.dps, &operation).await);
        let issuing = &issued[1];
        group(&bench.dps, "ours", json!({ "attestation": x509("signingCertificates", issuing) })).await;
        let by_certificate = Device::new("d1").with_chain(&[&issued[0], issuing]);
        assert_eq!(by_certificate.provisioned(&bench.dps).await["status"], "assigned");

        let serial = issued[0].serial().try_into().unwrap();
        let what = What::Serial { authority: AuthorityId::issuing(), serial };
        ca.revoke(what, Reason::KeyCompromise, &Caller::process(), now()).await.unwrap();
        let answer = by_certificate.register(&bench.dps).await;
        assert_eq!((answer.status, &answer.body["message"]), (401, &json!("Invalid certificate.")));
        let steps = said(&bench.dps, &answer, "revocation").await;
        assert!(steps[0].contains("was revoked at 2026-11-20T12:00:00Z (keyCompromise)"), "{steps:?}");
        // With anything else beside it, too.
        let both = device("d1").with_chain(&[&issued[0], issuing]);
        assert_eq!(both.register(&bench.dps).await.status, 401);
        // One certificate is not the device: it goes on with another.
        let (operation, _) = accepted(&device("d1"), &bench.dps, &csr("d1")).await;
        assert_eq!(device("d1").ends(&bench.dps, &operation).await["status"], "assigned");
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_barred_device_is_told_that_it_is_disabled_until_it_is_readmitted() {
    for_each_engine(async |db| {
        let (hub, dir) = (Shelf::new(HUB_1), TempDir::new().unwrap());
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, std::slice::from_ref(&hub), &ca).await;
        certified_group(&bench.dps).await;
        let (device, caller) = (device("D1"), Caller::process());
        let (operation, _) = accepted(&device, &bench.dps, &csr("D1")).await;
        assert_eq!(device.ends(&bench.dps, &operation).await["status"], "assigned");
        let revoke = |reason| ca.revoke(What::Holder("d1".to_owned()), reason, &caller, now());

        revoke(Reason::Superseded).await.unwrap(); // only its certificates
        assert_eq!(device.provisioned(&bench.dps).await["status"], "assigned");
        let where_it_is = bench.dps.devices_of("d1").await.unwrap();
        assert_eq!(
            where_it_is.iter().map(|(hub, device)| (hub.as_str(), device.as_str())).collect::<Vec<_>>(),
            [(HUB_1, "D1")]
        );

        revoke(Reason::PrivilegeWithdrawn).await.unwrap();
        let (operation, answer) = accepted(&device, &bench.dps, &csr("D1")).await;
        assert_eq!(device.ends(&bench.dps, &operation).await["status"], "disabled");
        let trace = bench.dps.trace(answer.tracking_id).await.unwrap();
        assert_eq!(trace.outcome, Outcome::Disabled);
        let step = trace.steps.iter().find(|step| step.step == "revocation").unwrap();
        assert!(step.compared.contains("revoked at 2026-11-20T12:00:00Z (privilegeWithdrawn)"), "{step:?}");
        assert_eq!(step.fix.as_deref(), Some("let it in again with `muster ca readmit d1`"));

        ca.readmit("d1", &caller, now()).await.unwrap();
        let (operation, _) = accepted(&device, &bench.dps, &csr("D1")).await;
        assert_eq!(chain(&device.ends(&bench.dps, &operation).await).len(), 3);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_device_that_cannot_ask_for_a_certificate_is_known_by_what_it_registers_with_until_it_has_one() {
    for_each_engine(async |db| {
        let (hub, dir) = (Shelf::new(HUB_1), TempDir::new().unwrap());
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, std::slice::from_ref(&hub), &ca).await;
        certified_group(&bench.dps).await;
        let (device, derived) = (device("D1"), key(1).derive("D1"));
        let by_key = Authentication::Sas { primary: derived.clone(), secondary: key(2).derive("D1") };

        let answer = device.register(&bench.dps).await;
        let operation = OperationId::new(answer.body["operationId"].as_str().unwrap());
        assert_eq!(device.ends(&bench.dps, &operation).await["status"], "assigned");
        assert_eq!(hub.authentication("D1"), by_key);
        let steps = said(&bench.dps, &answer, "certificate").await;
        assert!(steps[0].ends_with("its hub knows it by what it registered with"), "{steps:?}");

        let (operation, _) = accepted(&device, &bench.dps, &csr("D1")).await;
        device.ends(&bench.dps, &operation).await;
        assert_eq!(hub.authentication("D1"), Authentication::CertificateAuthority);
        // After a restart, say: what it has is good, and stays what counts.
        let answer = device.register(&bench.dps).await;
        let operation = OperationId::new(answer.body["operationId"].as_str().unwrap());
        device.ends(&bench.dps, &operation).await;
        assert_eq!(hub.authentication("D1"), Authentication::CertificateAuthority);
        let steps = said(&bench.dps, &answer, "certificate").await;
        assert!(steps[0].contains("its hub knows it by what it has of ours, now `"), "{steps:?}");

        // Taken back, and the device not barred: nothing that it has opens its hub.
        let what = What::Holder("d1".to_owned());
        ca.revoke(what, Reason::Superseded, &Caller::process(), now()).await.unwrap();
        device.provisioned(&bench.dps).await;
        assert_eq!(hub.authentication("D1"), by_key);
        bench.close().await;
    })
    .await;
}

#[tokio::test]
async fn where_certificates_are_required_nobody_is_let_in_who_has_none_and_asks_for_none() {
    for_each_engine(async |db| {
        let (hub, dir) = (Shelf::new(HUB_1), TempDir::new().unwrap());
        let ca = authority(&dir, &db).await;
        let bench = Bench::certifying(&db, std::slice::from_ref(&hub), &ca).await;
        let owner = Http::owner(&bench.dps);
        let path = "/enrollmentGroups/g?api-version=2021-10-01";
        let mut body = json!({ "attestation": symmetric(&key(1), &key(2)), "certificateRequired": true });
        let refused = owner.put(path, &body).await;
        assert_eq!(refused.status, 400);
        assert!(refused.body["message"].as_str().unwrap().contains("set `credentialPolicyName`"));
        body["credentialPolicyName"] = json!("device");
        assert_eq!(owner.put(path, &body).await.body["certificateRequired"], true);
        // A client of the original leaves out what it does not know.
        body.as_object_mut().unwrap().remove("certificateRequired");
        assert_eq!(owner.put(path, &body).await.body["certificateRequired"], true);

        let device = device("d1");
        let answer = device.register(&bench.dps).await;
        assert_eq!((answer.status, &answer.body["errorCode"]), (400, &json!(400_004)));
        let told = answer.body["message"].as_str().unwrap();
        assert!(told.starts_with("field `csr`: is missing, and enrollment group `g` lets in none"), "{told}");
        assert_eq!(said(&bench.dps, &answer, "certificate").await.len(), 1);
        assert_eq!(hub.devices(), Vec::<String>::new());
        let (operation, _) = accepted(&device, &bench.dps, &csr("d1")).await;
        assert_eq!(device.ends(&bench.dps, &operation).await["status"], "assigned");
        assert_eq!(device.provisioned(&bench.dps).await["status"], "assigned");

        body["certificateRequired"] = json!(false);
        assert_eq!(owner.put(path, &body).await.body.get("certificateRequired"), None);
        assert_eq!(self::device("d2").provisioned(&bench.dps).await["status"], "assigned");
        bench.close().await;
    })
    .await;
}
