//! Events and logs for the tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(dead_code, reason = "no test file needs all of it")]

use std::path::Path;

use bytes::Bytes;
use jiff::Timestamp;
use muster_events::{Event, Log, Options, Source};

pub(crate) fn options() -> Options {
    Options::default()
}

pub(crate) fn open(dir: &Path) -> Log {
    Log::open(&dir.join("events.db"), &options()).unwrap()
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(crate) fn event(device: &str, body: &[u8]) -> Event {
    event_at(device, body, 0)
}

pub(crate) fn event_at(device: &str, body: &[u8], second: i64) -> Event {
    Event {
        enqueued: at(second),
        device: device.into(),
        module: None,
        generation: "638673512340000000".into(),
        auth_method: r#"{"scope":"device","type":"sas","issuer":"iothub"}"#.into(),
        source: Source::Telemetry,
        properties: Bytes::from_static(b"a=b"),
        body: Bytes::copy_from_slice(body),
    }
}

/// Bodies of a device's events, all of them.
pub(crate) async fn bodies(log: &Log, device: &str) -> Vec<Vec<u8>> {
    let partition = log.partition_of(device);
    let mut bodies = Vec::new();
    let mut from = log.extent(partition).first;
    loop {
        let found = log.read(partition, from, 1000).await.unwrap();
        let Some(last) = found.last() else { return bodies };
        from = last.offset + 1;
        let own = found.iter().filter(|stored| *stored.event.device == *device);
        bodies.extend(own.map(|stored| stored.event.body.to_vec()));
    }
}
