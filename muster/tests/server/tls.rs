//! The handshake: which certificate is shown, what is asked of the client's.

use muster_simulator::factory::{Authority, Validity, self_signed};
use muster_simulator::{DeviceKey, Endpoint, Trust};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Fixture;

#[tokio::test]
async fn every_name_is_shown_its_own_certificate_also_without_sni() {
    let fixture = Fixture::start().await;
    let ports = fixture.endpoints.ports;
    for port in [ports.mqtts, ports.https] {
        for (address, host) in [
            ("127.0.0.1", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.2", "127.0.0.2"),
            ("127.0.0.3", "127.0.0.3"),
        ] {
            let endpoint = Endpoint::new(format!("{address}:{port}").parse().unwrap(), host);
            fixture.trust.connect(&endpoint).await.unwrap();
        }
        let wrong = Endpoint::new(format!("127.0.0.2:{port}").parse().unwrap(), "127.0.0.3");
        assert!(fixture.trust.connect(&wrong).await.is_err());
    }
}

#[tokio::test]
async fn tls_1_2_is_on_and_alpn_only_on_https() {
    let fixture = Fixture::start().await;
    let pem = std::fs::read(&fixture.endpoints.ca_file).unwrap();
    let trust = Trust::from_pem_tls12(&pem).unwrap();
    let stream = trust.connect(&fixture.mqtts()).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_2));
    for (endpoint, expected) in [(fixture.mqtts(), None), (fixture.https(), Some(&b"http/1.1"[..]))] {
        let mut config = (*fixture.trust.client_config()).clone();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tcp = tokio::net::TcpStream::connect(endpoint.address).await.unwrap();
        let name = endpoint.host.try_into().unwrap();
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        let stream = connector.connect(name, tcp).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), expected);
    }
}

/// Whether the server lets this client get as far as saying something.
async fn heard(fixture: &Fixture, trust: &Trust) -> bool {
    let Ok(mut stream) = trust.connect(&fixture.https()).await else { return false };
    let request = b"GET /enrollments/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut answer = Vec::new();
    let _ = stream.write_all(request).await;
    let _ = stream.read_to_end(&mut answer).await;
    answer.starts_with(b"HTTP/1.1")
}

#[tokio::test]
async fn any_certificate_is_taken_from_whoever_has_its_key_and_from_nobody_else() {
    let fixture = Fixture::start().await;
    let pem = std::fs::read(&fixture.endpoints.ca_file).unwrap();
    let authority = Authority::root("Plant").unwrap().intermediate("Line").unwrap();
    let honest = [
        self_signed("pump", Validity::Current).unwrap(),
        self_signed("pump", Validity::Expired).unwrap(),
        authority.device("pump").unwrap(),
    ];
    let stolen = match (&honest[0], &honest[2]) {
        (DeviceKey::X509 { chain, .. }, DeviceKey::X509 { key, .. }) => {
            DeviceKey::X509 { chain: chain.clone(), key: key.clone_key() }
        }
        _ => unreachable!(),
    };
    for trust in [Trust::from_pem(&pem).unwrap(), Trust::from_pem_tls12(&pem).unwrap()] {
        for device in &honest {
            assert!(heard(&fixture, &trust.presenting(device).unwrap()).await);
        }
        assert!(!heard(&fixture, &trust.presenting(&stolen).unwrap()).await);
    }
}
