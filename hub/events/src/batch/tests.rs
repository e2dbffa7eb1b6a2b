//! What was encoded comes back; what was not is refused, and nothing panics.

use proptest::{collection::vec, option, prelude::*};

use super::*;

fn event(device: &str, body: &[u8]) -> Event {
    Event {
        enqueued: Timestamp::from_microsecond(1_700_000_000_000_000).unwrap(),
        device: device.into(),
        module: None,
        generation: "638673512340000000".into(),
        auth_method: r#"{"scope":"device"}"#.into(),
        source: Source::Telemetry,
        properties: Bytes::from_static(b"a=b"),
        body: Bytes::copy_from_slice(body),
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let text = || prop_oneof![Just(String::new()), Just("a".to_owned()), Just("d-1".to_owned()), ".{0,20}"];
    (
        // All that a timestamp can hold.
        Timestamp::MIN.as_microsecond()..=Timestamp::MAX.as_microsecond(),
        (text(), option::of(text()), text(), text()),
        0..Source::ALL.len(),
        vec(any::<u8>(), 0..300),
        vec(any::<u8>(), 0..300),
    )
        .prop_map(|(time_us, (device, module, generation, auth_method), source, properties, body)| {
            Event {
                enqueued: Timestamp::from_microsecond(time_us).unwrap(),
                device: device.into(),
                module: module.map(Arc::from),
                generation: generation.into(),
                auth_method: auth_method.into(),
                source: Source::ALL[source],
                properties: properties.into(),
                body: body.into(),
            }
        })
}

/// The chunks of one partition as the writer would put them into a row.
fn sealed(chunks: &[Chunk], partition: u16, first_offset: u64) -> (Bytes, u64) {
    let mut batch = vec![0; HEADER_BYTES];
    let mut count = 0;
    for chunk in chunks.iter().filter(|chunk| chunk.partition == partition) {
        batch.extend_from_slice(&chunk.records);
        count += chunk.count;
    }
    seal(&mut batch, partition, first_offset, count);
    (batch.into(), count)
}

fn decode_all(batch: Bytes, place: (u16, u64, u64), from: u64) -> Result<Vec<Stored>, &'static str> {
    let mut found = Vec::new();
    decode(batch, place, from, |_| true, &mut found).map(|()| found)
}

proptest! {
    #[test]
    fn what_was_encoded_comes_back(calls in vec(vec(any_event(), 1..10), 1..5), partitions in 1_u16..5, first in 0_u64..1 << 40) {
        let chunks: Vec<Chunk> = calls.iter().flat_map(|events| encode(events, partitions)).collect();
        let mut events = 0;
        for partition in 0..partitions {
            let expected: Vec<Event> = calls.iter().flatten()
                .filter(|event| partition_of(&event.device, partitions) == partition).cloned().collect();
            let (batch, count) = sealed(&chunks, partition, first);
            let found = decode_all(batch, (partition, first, count), 0).unwrap();
            prop_assert!(found.iter().map(|stored| stored.offset).eq(first..first + count));
            prop_assert_eq!(found.into_iter().map(|stored| stored.event).collect::<Vec<_>>(), expected);
            events += count;
        }
        prop_assert_eq!(events, calls.iter().flatten().count() as u64);
    }

    #[test]
    fn an_event_takes_no_more_than_it_was_said_to(event in any_event()) {
        let chunks = encode(std::slice::from_ref(&event), 4);
        prop_assert!(chunks[0].records.len() <= encoded_bytes_max(&event));
    }

    #[test]
    fn one_changed_bit_is_noticed(events in vec(any_event(), 1..5), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let (batch, count) = sealed(&encode(&events, 1), 0, 7);
        let mut damaged = batch.to_vec();
        let at = at.index(damaged.len());
        damaged[at] ^= 1 << bit;
        prop_assert!(decode_all(damaged.into(), (0, 7, count), 0).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_refused(bytes in vec(any::<u8>(), 0..600), count in any::<u64>()) {
        prop_assert!(decode_all(bytes.into(), (0, 0, count), 0).is_err());
    }

    /// As if the checksum had not helped: the records themselves are looked at with the same care.
    #[test]
    fn arbitrary_records_never_panic(records in vec(any::<u8>(), 0..600), count in 0_u64..5, first in any::<u64>()) {
        let mut batch = vec![0; HEADER_BYTES];
        batch.extend_from_slice(&records);
        seal(&mut batch, 3, first, count);
        if let Ok(found) = decode_all(batch.into(), (3, first, count), 0) {
            prop_assert_eq!(found.len() as u64, count);
        }
    }

    #[test]
    fn mutated_records_never_panic(events in vec(any_event(), 1..5), at in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let (batch, count) = sealed(&encode(&events, 1), 0, 0);
        let mut damaged = batch.to_vec();
        let at = HEADER_BYTES + at.index(damaged.len() - HEADER_BYTES);
        damaged[at] = value;
        damaged.truncate(HEADER_BYTES + cut.index(damaged.len()));
        seal(&mut damaged, 0, 0, count);
        let _ = decode_all(damaged.into(), (0, 0, count), 0);
    }
}

#[test]
fn a_batch_in_another_place_is_refused() {
    let (batch, count) = sealed(&encode(&[event("d", b"x")], 1), 0, 7);
    assert!(decode_all(batch.clone(), (0, 7, count), 0).is_ok());
    for place in [(1, 7, count), (0, 8, count), (0, 7, count + 1)] {
        assert_eq!(decode_all(batch.clone(), place, 0), Err("checksum does not match"));
    }
}

#[test]
fn reading_starts_where_it_is_asked_to() {
    let events: Vec<Event> = (0..10).map(|at| event("d", &[at])).collect();
    let (batch, count) = sealed(&encode(&events, 1), 0, 100);
    let found = decode_all(batch, (0, 100, count), 107).unwrap();
    assert_eq!(found.iter().map(|stored| stored.offset).collect::<Vec<_>>(), [107, 108, 109]);
}

#[test]
fn what_events_share_is_written_once() {
    let events: Vec<Event> = (0..16).map(|_| event("device-1", &[0; 256])).collect();
    let chunks = encode(&events, 4);
    assert_eq!(chunks.len(), 1);
    let overhead = chunks[0].records.len() - 16 * (256 + 3);
    assert!(overhead < 16 * 5 + 60, "{overhead} bytes");
}

#[test]
fn a_chunk_ends_before_it_is_too_large_for_a_row() {
    let events: Vec<Event> = (0..20).map(|_| event("d", &[0; 100_000])).collect();
    let chunks = encode(&events, 1);
    assert_eq!(chunks.iter().map(|chunk| chunk.count).sum::<u64>(), 20);
    assert!(chunks.iter().all(|chunk| chunk.records.len() <= CHUNK_BYTES_MAX + 1000), "{}", chunks.len());
}

#[test]
fn a_chunk_knows_its_time_span() {
    let mut events: Vec<Event> = (0..3).map(|_| event("d", b"")).collect();
    events[0].enqueued = Timestamp::from_microsecond(20).unwrap();
    events[1].enqueued = Timestamp::from_microsecond(10).unwrap();
    events[2].enqueued = Timestamp::from_microsecond(15).unwrap();
    let chunk = &encode(&events, 1)[0];
    assert_eq!((chunk.first_us, chunk.last_us), (10, 20));
}

/// CRC by Python's `zlib.crc32`, the rest by hand.
#[test]
fn the_format_does_not_change_by_accident() {
    let mut one = event("d-1", b"hello");
    one.module = Some("m".into());
    let (batch, _) = sealed(&encode(&[one], 1), 0, 0);
    let crc = [0x85, 0x92, 0x1e, 0x7b];
    let mut expected = vec![1];
    expected.extend(crc);
    expected.extend(*b"\x00\x00\x40\x1e\x18\x24\x0a\x06\x00\x03d-1\x01\x01m\x12638673512340000000\x12{\"scope\":\"device\"}");
    expected.extend(*b"\x01\x00\x03a=b\x05hello");
    assert_eq!(batch.as_ref(), expected);
}
