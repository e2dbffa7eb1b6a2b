//! A device on the list of an authority of others: cut from its hub when the list comes, and not let in again.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use muster_simulator::{Device, DeviceKey, HubClient};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::revocation::{connect, is_refused};
use crate::{Fixture, PATIENCE};

/// From the list's last byte to the end of the connection.
const CUT_WITHIN: Duration = Duration::from_secs(1);

/// An authority of others.
pub(crate) struct Plant {
    params: CertificateParams,
    key: KeyPair,
}

/// A web server with one list.
#[derive(Clone)]
pub(crate) struct Web(Arc<Mutex<Shelf>>);

struct Shelf {
    list: Vec<u8>,
    /// The how many-th.
    edition: u32,
    /// How often it was said that it is still the same.
    unchanged: u32,
    /// When it was handed out first.
    handed_out: Option<Instant>,
}

fn named(name: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial));
    params.use_authority_key_identifier_extension = true;
    params
}

impl Plant {
    pub(crate) fn new() -> Self {
        let mut params = named("plant", 1);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self { params, key: KeyPair::generate().unwrap() }
    }

    pub(crate) fn list(&self, number: u64, serials: &[u64]) -> Vec<u8> {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: rcgen::date_time_ymd(2026, 2, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2026, 1, 1),
            next_update: rcgen::date_time_ymd(2090, 1, 1),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&Issuer::from_params(&self.params, &self.key)).unwrap().der().to_vec()
    }

    /// Kept by the provisioning service, with a list.
    pub(crate) async fn store(&self, fixture: &Fixture, port: u16) {
        let pem = fixture.folder.path().join("plant.pem");
        std::fs::write(&pem, self.params.self_signed(&self.key).unwrap().pem()).unwrap();
        fixture.json(&format!("certificate upload plant {}", pem.display())).await;
        let url = format!("http://127.0.0.1:{port}/plant.crl");
        // A list that cannot be had cuts nobody, whatever it means for those who register.
        fixture.json(&format!("certificate crl plant --url {url} --check require")).await;
    }

    /// Known to the first hub by its thumbprint.
    pub(crate) async fn device(&self, fixture: &Fixture, id: &str, serial: u64) -> Device {
        let key = KeyPair::generate().unwrap();
        let certificate =
            named(id, serial).signed_by(&key, &Issuer::from_params(&self.params, &self.key)).unwrap();
        let thumbprint = muster_x509::Certificate::parse(certificate.der()).unwrap().sha256().to_string();
        let thumbprints = json!({ "primaryThumbprint": thumbprint });
        let identity = json!({
            "deviceId": id, "authentication": { "type": "selfSigned", "x509Thumbprint": thumbprints },
        });
        let (_, service) = fixture.hub();
        service.put_device(&identity, None).await.unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Device::new(id, DeviceKey::X509 { chain, key })
    }
}

impl Web {
    pub(crate) async fn start(list: Vec<u8>) -> (Self, u16) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let web = Self(Arc::new(Mutex::new(Shelf { list, edition: 1, unchanged: 0, handed_out: None })));
        let served = web.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 2048];
                let Ok(read) = stream.read(&mut head).await else { continue };
                let answer = served.answer(&String::from_utf8_lossy(&head[..read]).to_lowercase());
                let _ = stream.write_all(&answer).await;
            }
        });
        (web, port)
    }

    /// Only to who has another one.
    fn answer(&self, head: &str) -> Vec<u8> {
        let mut shelf = self.0.lock().unwrap();
        let tag = format!("etag: \"{}\"", shelf.edition);
        if head.contains(&tag.replace("etag", "if-none-match")) {
            shelf.unchanged += 1;
            return format!("HTTP/1.1 304 Not Modified\r\n{tag}\r\n\r\n").into_bytes();
        }
        shelf.handed_out.get_or_insert_with(Instant::now);
        let head = format!("HTTP/1.1 200 OK\r\n{tag}\r\nContent-Length: {}\r\n\r\n", shelf.list.len());
        [head.as_bytes(), &shelf.list].concat()
    }

    pub(crate) fn publish(&self, list: Vec<u8>) {
        let mut shelf = self.0.lock().unwrap();
        *shelf = Shelf { list, edition: shelf.edition + 1, unchanged: 0, handed_out: None };
    }

    /// By the list that lies here.
    pub(crate) async fn cuts(&self, client: &mut HubClient) {
        let ended = tokio::time::timeout(PATIENCE, client.session().next()).await.unwrap();
        let took = self.0.lock().unwrap().handed_out.unwrap().elapsed();
        assert!(ended.is_err() && took < CUT_WITHIN, "{ended:?} after {took:?}");
    }
}

#[tokio::test]
async fn who_gets_onto_the_list_of_its_authority_is_cut_when_the_list_comes_and_stays_out() {
    let (fixture, plant) = (Fixture::start().await, Plant::new());
    let (web, port) = Web::start(plant.list(1, &[])).await;
    plant.store(&fixture, port).await;
    let (stolen, honest) =
        (plant.device(&fixture, "stolen", 7).await, plant.device(&fixture, "honest", 8).await);
    let mut cut = connect(&fixture, &stolen).await.unwrap();
    let mut kept = connect(&fixture, &honest).await.unwrap();

    web.publish(plant.list(2, &[7]));
    fixture.json("certificate crl plant --refresh").await;
    web.cuts(&mut cut).await;
    is_refused(connect(&fixture, &stolen).await);
    let (_, service) = fixture.hub();
    let path = "/devices/stolen/lastDisconnect?api-version=2021-04-12";
    let told = service.call(http::Method::GET, path, &[], None).await.unwrap().body;
    for end in ["disconnected", "refused"] {
        let reason = told[end]["reason"].as_str().unwrap();
        assert!(reason.contains("says list 2 of the stored certificate `plant`"), "{told}");
    }
    kept.send("", bytes::Bytes::from_static(b"still here")).await.unwrap();
    kept.settle().await.unwrap();

    // Not sent again while it is the same, and obeyed all the same.
    fixture.json("certificate crl plant --refresh").await;
    crate::eventually("asked by its ETag", || web.0.lock().unwrap().unchanged > 0).await;
    is_refused(connect(&fixture, &stolen).await);

    // Taken off by the next one.
    web.publish(plant.list(3, &[]));
    fixture.json("certificate crl plant --refresh").await;
    crate::eventually_async("let in again", async || connect(&fixture, &stolen).await.is_ok()).await;
    fixture.running.shutdown().await;
}
