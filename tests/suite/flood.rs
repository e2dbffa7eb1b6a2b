//! Ten thousand connections that never speak, and peers that speak nonsense: memory stays bounded, devices are served.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::binaries::{Serve, binary, configuration};

const SILENT: usize = 10_000;
/// A handshake's state in a debug build, twice over: that memory is bounded is a test, how little it is a benchmark.
const BYTES_PER_SILENT_CONNECTION_MAX: u64 = 32 * 1024;

fn mqtts(serve: &Serve) -> SocketAddr {
    let endpoints: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&serve.endpoints).unwrap()).unwrap();
    SocketAddr::from(([127, 0, 0, 1], u16::try_from(endpoints["ports"]["mqtts"].as_u64().unwrap()).unwrap()))
}

/// A device gets from nothing to its acknowledged messages; the fleet verifies it.
fn a_device_is_served(serve: &Serve, folder: &std::path::Path) {
    let output = Command::new(binary("muster-fleet"))
        .arg("--endpoints")
        .arg(&serve.endpoints)
        .arg("--acked")
        .arg(folder.join("acked"))
        .args(["--devices", "2", "--messages", "2", "--give-up-s", "40"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn ten_thousand_silent_connections_cost_little_and_keep_nobody_out() {
    let wanted = (SILENT + 1000) as u64;
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.map_or(u64::MAX, |current| current.max(wanted));
    setrlimit(
        Resource::Nofile,
        Rlimit { current: Some(current), maximum: limit.maximum.map(|most| most.max(wanted)) },
    )
    .expect("this test opens 10,000 sockets: raise the hard limit of open files (`ulimit -Hn`)");

    let folder = tempfile::tempdir().unwrap();
    // They must all still be there when the device comes.
    let configuration = configuration(folder.path(), "[limits]\nhandshake_timeout_s = 120\n");
    let serve = Serve::start(&folder.path().join("data"), &configuration);
    let address = mqtts(&serve);
    let before = serve.resident();
    let silent: Vec<TcpStream> = (0..SILENT)
        .map(|at| TcpStream::connect(address).unwrap_or_else(|error| panic!("connection {at}: {error}")))
        .collect();
    a_device_is_served(&serve, folder.path());
    let grown = serve.resident().saturating_sub(before) / SILENT as u64;
    println!("{grown} bytes of resident memory for each of {SILENT} silent connections");
    assert!(grown <= BYTES_PER_SILENT_CONNECTION_MAX, "{grown} bytes a silent connection");
    drop(silent);
}

#[test]
fn nonsense_is_closed_without_harm() {
    let folder = tempfile::tempdir().unwrap();
    let serve = Serve::start(&folder.path().join("data"), &configuration(folder.path(), ""));
    let address = mqtts(&serve);
    let nonsense: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        &[0x10, 0xFF, 0xFF, 0xFF, 0x7F], // a plain CONNECT of 256 MB
        &[0x16, 0x03, 0x01, 0xFF, 0xFF, 0x01, 0xFF, 0xFF], // a TLS record longer than TLS allows
        &[0x00; 4096],
        &[0xFF; 70_000],
    ];
    for bytes in nonsense {
        for _ in 0..40 {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let begun = Instant::now();
            let _ = stream.write_all(bytes); // it may have been closed on us by now
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            assert!(answer.len() < 100, "an answer of {} bytes to nonsense", answer.len());
            assert!(begun.elapsed() < Duration::from_secs(20), "kept open for nonsense: {bytes:02x?}");
        }
    }
    a_device_is_served(&serve, folder.path());
}
