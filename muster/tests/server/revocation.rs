//! A revocation that bites: on live connections within a second, and on all that come after.

use std::time::{Duration, Instant};

use muster_simulator::{Device, DeviceKey, HubClient, HubError, HubOptions, OpenError, Options, Polling};
use muster_simulator::{enrollments, provision};
use rcgen::KeyPair;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

use crate::authority::csr;
use crate::{Fixture, PATIENCE};

/// From the revocation to the end of the connection.
const CUT_WITHIN: Duration = Duration::from_secs(1);

/// A device of the first hub with a certificate of the server's own authority; and the certificate's serial.
pub(crate) async fn certified(fixture: &Fixture, id: &str) -> (Device, String) {
    let (_, service) = fixture.hub();
    let identity = json!({ "deviceId": id, "authentication": { "type": "certificateAuthority" } });
    service.put_device(&identity, None).await.unwrap();
    let key = KeyPair::generate().unwrap();
    let request = json!({ "csr": csr(&key), "subject": { "commonName": id }, "holder": { "name": id } });
    let signed = fixture.authority("POST /ca/sign", &request).await.json();
    let mut pem = signed["certificate"].as_str().unwrap().to_owned();
    pem.push_str(signed["chain"].as_str().unwrap());
    let chain = muster_x509::read_certificates(&pem).unwrap();
    let chain = chain.iter().map(|it| CertificateDer::from(it.der().to_vec())).collect();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    (Device::new(id, DeviceKey::X509 { chain, key }), signed["serial"].as_str().unwrap().to_owned())
}

pub(crate) async fn connect(fixture: &Fixture, device: &Device) -> Result<HubClient, HubError> {
    let (hub, _) = fixture.hub();
    let endpoint = fixture.endpoints.hub(&hub.host_name);
    HubClient::connect(&fixture.trust, &endpoint, device.clone(), &HubOptions::default()).await
}

pub(crate) async fn revoke(fixture: &Fixture, what: Value) {
    let answer = fixture.authority("POST /ca/revoke", &what).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

pub(crate) async fn is_cut(client: &mut HubClient, since: Instant) {
    let ended = tokio::time::timeout(PATIENCE, client.session().next()).await.unwrap();
    assert!(ended.is_err(), "{ended:?}");
    assert!(since.elapsed() < CUT_WITHIN, "{:?}", since.elapsed());
}

pub(crate) fn is_refused(outcome: Result<HubClient, HubError>) {
    let refused = outcome.err().unwrap();
    assert!(matches!(refused, HubError::Open(OpenError::Refused { code: 5 })), "{refused:?}");
}

#[tokio::test]
async fn a_device_is_cut_within_a_second_by_whatever_of_it_is_revoked_and_does_not_come_back() {
    let fixture = Fixture::start().await;
    let (one, serial) = certified(&fixture, "pump-1").await;
    let (two, _) = certified(&fixture, "pump-2").await;
    let (three, _) = certified(&fixture, "pump-3").await;
    let mut first = connect(&fixture, &one).await.unwrap();
    let mut second = connect(&fixture, &two).await.unwrap();
    let mut third = connect(&fixture, &three).await.unwrap();

    let begun = Instant::now();
    revoke(&fixture, json!({ "serial": serial, "reason": "keyCompromise" })).await;
    is_cut(&mut first, begun).await;
    is_refused(connect(&fixture, &one).await);

    let begun = Instant::now();
    revoke(&fixture, json!({ "holder": "pump-2", "reason": "superseded" })).await;
    is_cut(&mut second, begun).await;
    is_refused(connect(&fixture, &two).await);

    third.send("", bytes::Bytes::from_static(b"still here")).await.unwrap();
    third.settle().await.unwrap();
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn a_burst_of_revocations_cuts_everyone_it_means() {
    const DEVICES: usize = 12;
    let fixture = Fixture::start().await;
    let mut clients = Vec::new();
    for n in 0..DEVICES {
        let (device, serial) = certified(&fixture, &format!("pump-{n}")).await;
        clients.push((connect(&fixture, &device).await.unwrap(), serial));
    }
    for (_, serial) in &clients {
        revoke(&fixture, json!({ "serial": serial, "reason": "superseded" })).await;
    }
    let told = Instant::now();
    for (client, _) in &mut clients {
        is_cut(client, told).await;
    }
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn a_barred_device_is_cut_and_kept_out_also_with_a_key_until_it_is_readmitted() {
    let fixture = Fixture::start().await;
    let credential = DeviceKey::Symmetric { key: muster_simulator::Key::from_bytes(vec![7; 32]).unwrap() };
    fixture.dps().put_enrollment(&enrollments::individual("Pump-9", &credential)).await.unwrap();
    let options =
        Options { polling: Polling::Eager { pause: Duration::from_millis(50) }, ..Options::default() };
    let register = async |fixture: &Fixture| {
        provision(&fixture.endpoints.dps(), "Pump-9", &credential, &fixture.trust, &options).await
    };
    let assigned = register(&fixture).await.unwrap().assigned().unwrap();
    let enter = async |fixture: &Fixture| {
        let device = Device::new(&assigned.device_id, credential.clone());
        let endpoint = fixture.endpoints.hub(&assigned.hub);
        HubClient::connect(&fixture.trust, &endpoint, device, &HubOptions::default()).await
    };
    let key = KeyPair::generate().unwrap();
    let request =
        json!({ "csr": csr(&key), "subject": { "commonName": "Pump-9" }, "holder": { "name": "pump-9" } });
    assert_eq!(fixture.authority("POST /ca/sign", &request).await.status, 201);
    let mut client = enter(&fixture).await.unwrap();

    let begun = Instant::now();
    revoke(&fixture, json!({ "holder": "pump-9", "reason": "privilegeWithdrawn" })).await;
    is_cut(&mut client, begun).await;
    is_refused(enter(&fixture).await);
    let fixture = fixture.restart().await;
    crate::eventually_async("barred again after a restart", async || enter(&fixture).await.is_err()).await;
    assert!(register(&fixture).await.unwrap().assigned().is_err());

    assert_eq!(fixture.authority("DELETE /ca/bars/pump-9", &Value::Null).await.status, 200);
    enter(&fixture).await.unwrap();
    fixture.running.shutdown().await;
}
