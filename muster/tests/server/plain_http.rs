//! Plain HTTP: what those fetch who check a certificate, and nothing more, within the limits of all listeners.

use std::time::Duration;

use muster::config::{Config, Limits};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::authority::csr;
use crate::{Fixture, PATIENCE, eventually};

#[tokio::test]
async fn what_a_certificate_names_is_there() {
    let fixture = Fixture::start().await;
    let key = rcgen::KeyPair::generate().unwrap();
    let request = json!({ "csr": csr(&key), "subject": { "commonName": "pump-1" } });
    let signed = fixture.authority("POST /ca/sign", &request).await.json();
    let issued = muster_x509::read_certificates(signed["certificate"].as_str().unwrap()).unwrap();
    let base = fixture.running.endpoints().ca.http_url.clone();
    let der = issued[0].der();
    let named = |path: &str| {
        let url = format!("{base}{path}");
        der.windows(url.len()).any(|it| it == url.as_bytes())
    };
    assert!(named("/issuer/issuing.cer") && named("/ocsp") && named("/crl/issuing/"), "{base}");
    let issuer = fixture.plain("GET /issuer/issuing.cer", b"").await;
    assert_eq!(issuer.status, 200, "{}", issuer.head);
    let issuing = muster_x509::read_certificates(signed["chain"].as_str().unwrap()).unwrap();
    assert_eq!(issuer.body, issuing[0].der());
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn nothing_else_is_behind_it() {
    let fixture = Fixture::start().await;
    for first in [
        "GET /",
        "GET /ca/authorities",
        "GET /enrollments/x",
        "POST /ca/sign",
        "GET /.well-known/est/cacerts",
    ] {
        let answer = fixture.plain(first, b"").await;
        assert_eq!(answer.status, 404, "{first}: {}", answer.head);
    }
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn bodies_heads_and_sockets_have_their_limits() {
    let short = Duration::from_millis(300);
    let limits = Limits { request_head_timeout: short, connections_max: 1, ..Limits::default() };
    let fixture = Fixture::with(Config { limits, ..Config::on_free_ports() }).await;
    assert_eq!(fixture.plain("POST /ocsp", &[0; 65 * 1024]).await.status, 413);
    let address = ("127.0.0.1", fixture.running.endpoints().ports.http);
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /issuer/issuing.cer HTTP/1.1\r\nX-Slow: ").await.unwrap();
    eventually("the slow one is in", || fixture.running.connections().accepted == 2).await;
    let mut next = TcpStream::connect(address).await.unwrap();
    let mut said = Vec::new();
    tokio::time::timeout(PATIENCE, next.read_to_end(&mut said)).await.unwrap().unwrap();
    assert!(said.is_empty());
    assert_eq!(fixture.running.connections().not_admitted, 1);
    tokio::time::timeout(PATIENCE, slow.read_to_end(&mut said)).await.unwrap().unwrap();
    fixture.running.shutdown().await;
}

#[tokio::test]
async fn a_stop_ends_it() {
    let fixture = Fixture::start().await;
    let address = ("127.0.0.1", fixture.running.endpoints().ports.http);
    let mut idle = TcpStream::connect(address).await.unwrap();
    eventually("it is in", || fixture.running.connections().accepted == 1).await;
    fixture.running.shutdown().await;
    let mut said = Vec::new();
    tokio::time::timeout(PATIENCE, idle.read_to_end(&mut said)).await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
