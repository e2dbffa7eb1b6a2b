//! From nothing to the first message, as a device does it.

use bytes::Bytes;
use muster_simulator::factory::{Authority, Validity, self_signed};
use muster_simulator::{
    Assigned, Device, DeviceKey, HubClient, HubOptions, Options, Outcome, Polling, Refusal, enrollments,
    provision, provision_https,
};
use serde_json::json;

use crate::Fixture;

fn options() -> Options {
    Options { polling: Polling::Eager { pause: std::time::Duration::from_millis(50) }, ..Options::default() }
}

async fn boot(fixture: &Fixture, id: &str, credential: &DeviceKey) -> Outcome {
    provision(&fixture.endpoints.dps(), id, credential, &fixture.trust, &options()).await.unwrap()
}

async fn talk(fixture: &Fixture, assigned: &Assigned, credential: DeviceKey) {
    let device = Device::new(&assigned.device_id, credential);
    let endpoint = fixture.endpoints.hub(&assigned.hub);
    let mut client =
        HubClient::connect(&fixture.trust, &endpoint, device, &HubOptions::default()).await.unwrap();
    client.send("", Bytes::from_static(b"hello")).await.unwrap();
    client.settle().await.unwrap();
    client.disconnect().await.unwrap();
}

fn key(seed: u8) -> muster_simulator::Key {
    muster_simulator::Key::from_bytes(vec![seed; 32]).unwrap()
}

#[tokio::test]
async fn a_device_of_each_kind_gets_to_its_first_message() {
    let fixture = Fixture::start().await;
    let service = fixture.dps();
    let plant = Authority::root("Plant").unwrap();
    let line = plant.intermediate("Line").unwrap();
    service.put_group(&enrollments::symmetric_group("keys", &key(1))).await.unwrap();
    service.put_group(&enrollments::x509_group("line", plant.pem())).await.unwrap();
    let alone = DeviceKey::Symmetric { key: key(2) };
    let certified = self_signed("certified", Validity::Current).unwrap();
    service.put_enrollment(&enrollments::individual("alone", &alone)).await.unwrap();
    service.put_enrollment(&enrollments::individual("certified", &certified)).await.unwrap();
    let devices = [
        ("alone", alone),
        ("certified", certified),
        ("of-the-group", DeviceKey::Symmetric { key: key(1).derive("of-the-group") }),
        ("of-the-line", line.device("of-the-line").unwrap()),
    ];
    for (id, credential) in devices {
        let assigned = boot(&fixture, id, &credential).await.assigned().unwrap();
        assert_eq!(assigned.device_id, id);
        talk(&fixture, &assigned, credential.clone()).await;
        let (https, options) = (fixture.endpoints.dps_https(), options());
        let again = provision_https(&https, id, &credential, &fixture.trust, &options).await.unwrap();
        let again = again.assigned().unwrap();
        assert_eq!(again.hub, assigned.hub, "{id} stays where it is");
        assert_eq!(service.registration(id).await.unwrap()["status"], "assigned");
    }
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn a_refused_device_can_be_explained_and_registrations_survive_a_restart() {
    let fixture = Fixture::start().await;
    let good = DeviceKey::Symmetric { key: key(3) };
    fixture.dps().put_enrollment(&enrollments::individual("pump", &good)).await.unwrap();
    let wrong = DeviceKey::Symmetric { key: key(4) };
    let refused = boot(&fixture, "pump", &wrong).await.assigned().unwrap_err();
    assert_eq!((refused.by, refused.status), (Refusal::Request, 401));
    let trace = fixture.dps().trace_of("pump", refused.tracking_id.as_deref()).await.unwrap().unwrap();
    assert!(trace.steps.iter().any(|step| step.outcome == "failed"), "{trace:?}");

    let assigned = boot(&fixture, "pump", &good).await.assigned().unwrap();
    let fixture = fixture.restart().await;
    let again = boot(&fixture, "pump", &good).await.assigned().unwrap();
    assert_eq!(again.hub, assigned.hub);
    talk(&fixture, &again, good).await;
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn an_unknown_scope_is_refused_at_the_door() {
    let fixture = Fixture::start().await;
    let mut dps = fixture.endpoints.dps();
    dps.scope = "0neFFFFFFFF".to_owned();
    let credential = DeviceKey::Symmetric { key: key(5) };
    let outcome = provision(&dps, "pump", &credential, &fixture.trust, &options()).await.unwrap();
    let refused = outcome.assigned().unwrap_err();
    assert_eq!(refused.by, Refusal::Connection(5));
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn the_service_api_takes_and_lists_enrollments() {
    let fixture = Fixture::start().await;
    let service = fixture.dps();
    let created = service
        .put_enrollment(&json!({ "registrationId": "pump", "attestation": { "type": "symmetricKey" } }))
        .await
        .unwrap();
    assert!(created["attestation"]["symmetricKey"]["primaryKey"].is_string(), "{created}");
    assert_eq!(service.enrollment("pump").await.unwrap()["provisioningStatus"], "enabled");
    service.delete_enrollment("pump").await.unwrap();
    assert_eq!(service.enrollment("pump").await.unwrap_err().status(), Some(404));
    fixture.running.shutdown().await;
}
