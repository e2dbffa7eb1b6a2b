//! Peers that misbehave before anyone knows who they are.

use std::time::Duration;

use muster::config::{Config, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{Fixture, PATIENCE, eventually};

const SHORT: Duration = Duration::from_millis(300);

fn config(limits: Limits) -> Config {
    Config { limits, ..Config::on_free_ports() }
}

/// Everything until the server closes.
async fn read_to_end(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut bytes = Vec::new();
    // A close without notice is an error to rustls, and an end to us.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_peer_that_never_shakes_hands_is_dropped() {
    let fixture = Fixture::with(config(Limits { handshake_timeout: SHORT, ..Limits::default() })).await;
    let mut silent = TcpStream::connect(fixture.mqtts().address).await.unwrap();
    assert_eq!(read_to_end(&mut silent).await, "");
    assert_eq!(fixture.running.connections().handshakes_failed, 1);
}

#[tokio::test]
async fn a_peer_that_shakes_hands_and_says_nothing_is_dropped() {
    let fixture = Fixture::with(config(Limits { first_packet_timeout: SHORT, ..Limits::default() })).await;
    let mut silent = fixture.trust.connect(&fixture.mqtts()).await.unwrap();
    assert_eq!(read_to_end(&mut silent).await, "");
    assert_eq!(fixture.running.connections().strangers, 1);
}

#[tokio::test]
async fn what_is_not_mqtt_is_closed_without_an_answer() {
    let fixture = Fixture::start().await;
    let openings: [&[u8]; 4] = [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        &[0xff; 64],
        &[0xc0, 0x00],                   // PINGREQ before CONNECT
        &[0x10, 0xff, 0xff, 0xff, 0xff], // remaining length without end
    ];
    for (count, opening) in openings.into_iter().enumerate() {
        let mut stream = fixture.trust.connect(&fixture.mqtts()).await.unwrap();
        stream.write_all(opening).await.unwrap();
        assert_eq!(read_to_end(&mut stream).await, "", "{opening:?}");
        assert_eq!(fixture.running.connections().strangers, count as u64 + 1);
    }
}

#[tokio::test]
async fn sockets_beyond_the_limit_are_closed_and_room_returns() {
    let fixture = Fixture::with(config(Limits { connections_max: 2, ..Limits::default() })).await;
    let address = fixture.mqtts().address;
    let first = TcpStream::connect(address).await.unwrap();
    let _second = TcpStream::connect(address).await.unwrap();
    let mut third = TcpStream::connect(address).await.unwrap();
    assert_eq!(read_to_end(&mut third).await, "");
    assert_eq!(fixture.running.connections().not_admitted, 1);
    drop(first);
    eventually("room for another", || {
        std::net::TcpStream::connect(address).is_ok() && fixture.running.connections().accepted > 3
    })
    .await;
}

#[tokio::test]
async fn an_address_that_connects_too_fast_is_slowed_down() {
    let limits = Limits { connects_burst: 3, connects_per_s: 1, ..Limits::default() };
    let fixture = Fixture::with(config(limits)).await;
    let mut streams = Vec::new();
    for _ in 0..6 {
        streams.push(TcpStream::connect(fixture.mqtts().address).await.unwrap());
    }
    eventually("six accepted", || fixture.running.connections().accepted == 6).await;
    assert_eq!(fixture.running.connections().not_admitted, 3);
}

#[tokio::test]
async fn a_request_head_that_drips_is_cut_off() {
    let fixture = Fixture::with(config(Limits { request_head_timeout: SHORT, ..Limits::default() })).await;
    let mut stream = fixture.trust.connect(&fixture.https()).await.unwrap();
    stream.write_all(b"GET /enrollments/a HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn a_request_body_that_drips_or_swells_is_refused() {
    let limits = Limits { request_body_timeout: SHORT, request_body_bytes_max: 1000, ..Limits::default() };
    let fixture = Fixture::with(config(limits)).await;
    let cases = [
        ("Content-Length: 10\r\n\r\n{", "HTTP/1.1 408"),
        ("Content-Length: 2000\r\n\r\n", "HTTP/1.1 413"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "HTTP/1.1 408"),
    ];
    for (rest, expected) in cases {
        let mut stream = fixture.trust.connect(&fixture.https()).await.unwrap();
        let head = format!("PUT /enrollments/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{rest}");
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = read_to_end(&mut stream).await;
        assert!(answer.starts_with(expected), "{rest:?}: {answer}");
    }
}

#[tokio::test]
async fn a_request_for_nobody_here_is_told_so_and_has_an_id() {
    let config = Config::parse(
        "listen = \"0.0.0.0\"\nports = { mqtts = 0, https = 0, amqps = 0, http = 0 }\n\
         hubs = [{ name = \"hub\", host = \"hub.example.test\" }]\ndps = { host = \"dps.example.test\" }",
    );
    let fixture = Fixture::with(config.unwrap()).await;
    let mut stream = fixture.trust.connect(&fixture.https()).await.unwrap();
    let ask = |host: &str| format!("GET /devices/d HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    // The certificate's name was asked for by SNI, so a foreign Host still finds DPS …
    stream.write_all(ask("elsewhere").as_bytes()).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(!answer.starts_with("HTTP/1.1 421"), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("x-ms-request-id: "), "{answer}");
    // … and the Host goes first where it is ours.
    let mut stream = fixture.trust.connect(&fixture.https()).await.unwrap();
    stream.write_all(ask("hub.example.test").as_bytes()).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.contains("IotHubUnauthorizedAccess") || answer.contains("401"), "{answer}");
}
