//! How a batch is written: version, CRC-32, then records one after the other.
//!
//! An *origin* record says who and when; event records follow that belong to it. One append call writes chunks that start
//! with an origin, so that chunks of many callers make a batch just by standing behind each other.
//!
//!     batch  = version:u8 crc:u32le record*          the CRC covers partition, first offset, count and the records
//!     origin = 0:u8 time_us:i64le device module generation auth_method        module: 0, or 1 and a text
//!     event  = source:u8 time_delta_us:zigzag properties body
//!     text, properties, body = length:varint bytes

use std::sync::Arc;

use bytes::{Buf, Bytes};
use jiff::Timestamp;

use crate::{
    event::{Event, Source, Stored},
    partition::partition_of,
};

const VERSION: u8 = 1;
const ORIGIN: u8 = 0;
/// Version and CRC.
pub(crate) const HEADER_BYTES: usize = 5;
/// A chunk is not divided, and a reader takes a whole batch into memory to see one event of it.
const CHUNK_BYTES_MAX: usize = 512 * 1024;
/// Origin: tag, time, module's mark, four lengths; event: tag, time, two lengths. At most.
const ORIGIN_FIXED_BYTES: usize = 1 + 8 + 1 + 4 * 5;
const EVENT_FIXED_BYTES: usize = 1 + 10 + 2 * 5;

/// Encoded events of one append call for one partition.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) partition: u16,
    pub(crate) count: u64,
    pub(crate) first_us: i64,
    pub(crate) last_us: i64,
    pub(crate) records: Vec<u8>,
    last: LastOrigin,
}

#[derive(Debug)]
struct LastOrigin {
    time_us: i64,
    device: Arc<str>,
    module: Option<Arc<str>>,
    generation: Arc<str>,
    auth_method: Arc<str>,
}

/// Most bytes that an event takes in a batch.
pub(crate) fn encoded_bytes_max(event: &Event) -> usize {
    ORIGIN_FIXED_BYTES
        + EVENT_FIXED_BYTES
        + event.device.len()
        + event.module.as_ref().map_or(0, |module| module.len())
        + event.generation.len()
        + event.auth_method.len()
        + event.properties.len()
        + event.body.len()
}

/// Order within a partition is kept.
pub(crate) fn encode(events: &[Event], partitions: u16) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut events = events.iter();
    while let Some(event) = events.next() {
        // One connection is one device: mostly there is one partition, and the last chunk is the right one.
        let known = chunks.iter_mut().rev().find(|chunk| *chunk.last.device == *event.device);
        let partition =
            known.as_ref().map_or_else(|| partition_of(&event.device, partitions), |chunk| chunk.partition);
        let open = chunks.iter_mut().rev().find(|chunk| chunk.partition == partition);
        match open.filter(|chunk| chunk.records.len() + event.body.len() <= CHUNK_BYTES_MAX) {
            Some(chunk) => chunk.push(event),
            None => {
                let more =
                    events.as_slice().iter().map(|event| event.body.len() + event.properties.len() + 8);
                let expected = encoded_bytes_max(event) + more.sum::<usize>();
                chunks.push(Chunk::start(partition, event, expected.min(CHUNK_BYTES_MAX)));
            }
        }
    }
    chunks
}

impl Chunk {
    fn start(partition: u16, event: &Event, capacity: usize) -> Self {
        let time_us = event.enqueued.as_microsecond();
        let last = LastOrigin::of(event);
        let mut records = Vec::with_capacity(capacity);
        last.write(&mut records);
        let mut chunk = Self { partition, count: 0, first_us: time_us, last_us: time_us, records, last };
        chunk.push(event);
        chunk
    }

    fn push(&mut self, event: &Event) {
        if !self.last.fits(event) {
            self.last = LastOrigin::of(event);
            self.last.write(&mut self.records);
        }
        let time_us = event.enqueued.as_microsecond();
        self.records.push(event.source.code());
        put_varint(&mut self.records, zigzag(time_us.wrapping_sub(self.last.time_us)));
        put_bytes(&mut self.records, &event.properties);
        put_bytes(&mut self.records, &event.body);
        self.count += 1;
        self.first_us = self.first_us.min(time_us);
        self.last_us = self.last_us.max(time_us);
    }
}

impl LastOrigin {
    fn of(event: &Event) -> Self {
        Self {
            time_us: event.enqueued.as_microsecond(),
            device: event.device.clone(),
            module: event.module.clone(),
            generation: event.generation.clone(),
            auth_method: event.auth_method.clone(),
        }
    }

    fn fits(&self, event: &Event) -> bool {
        fn same(one: &Arc<str>, other: &Arc<str>) -> bool {
            Arc::ptr_eq(one, other) || one == other
        }
        same(&self.device, &event.device)
            && same(&self.generation, &event.generation)
            && same(&self.auth_method, &event.auth_method)
            && match (&self.module, &event.module) {
                (None, None) => true,
                (Some(one), Some(other)) => same(one, other),
                _ => false,
            }
    }

    fn write(&self, records: &mut Vec<u8>) {
        records.push(ORIGIN);
        records.extend_from_slice(&self.time_us.to_le_bytes());
        put_bytes(records, self.device.as_bytes());
        match &self.module {
            None => records.push(0),
            Some(module) => {
                records.push(1);
                put_bytes(records, module.as_bytes());
            }
        }
        put_bytes(records, self.generation.as_bytes());
        put_bytes(records, self.auth_method.as_bytes());
    }
}

/// Makes `batch` one: `batch` holds `HEADER_BYTES` of anything, then the records.
pub(crate) fn seal(batch: &mut [u8], partition: u16, first_offset: u64, count: u64) {
    if let Some((header, records)) = batch.split_first_chunk_mut::<HEADER_BYTES>() {
        let crc = checksum(records, partition, first_offset, count).to_le_bytes();
        *header = [VERSION, crc[0], crc[1], crc[2], crc[3]];
    }
}

/// The place is covered too: a batch that ended up under another key is not read as if it belonged there.
fn checksum(records: &[u8], partition: u16, first_offset: u64, count: u64) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&partition.to_le_bytes());
    crc.update(&first_offset.to_le_bytes());
    crc.update(&count.to_le_bytes());
    crc.update(records);
    crc.finalize()
}

/// Is it what was written? For the last batches when a log is opened.
pub(crate) fn verify(
    batch: &[u8],
    partition: u16,
    first_offset: u64,
    count: u64,
) -> Result<(), &'static str> {
    let (header, records) = batch.split_first_chunk::<HEADER_BYTES>().ok_or("cut short")?;
    let [version, crc @ ..] = *header;
    if version != VERSION {
        return Err("unknown version");
    }
    if u32::from_le_bytes(crc) != checksum(records, partition, first_offset, count) {
        return Err("checksum does not match");
    }
    Ok(())
}

/// Appends the events from offset `from` on, until `wanted` says that it is enough. All or nothing.
pub(crate) fn decode(
    batch: Bytes,
    (partition, first_offset, count): (u16, u64, u64),
    from: u64,
    mut wanted: impl FnMut(&Event) -> bool,
    found: &mut Vec<Stored>,
) -> Result<(), &'static str> {
    verify(&batch, partition, first_offset, count)?;
    let start = found.len();
    let mut records = batch;
    records.advance(HEADER_BYTES);
    let mut reading = || -> Option<()> {
        let mut origin = None;
        let mut offset = first_offset;
        let end = first_offset.checked_add(count)?;
        while offset < end {
            let tag = take_u8(&mut records)?;
            if tag == ORIGIN {
                origin = Some(read_origin(&mut records)?);
                continue;
            }
            let event = read_event(&mut records, Source::from_code(tag)?, origin.as_ref()?)?;
            if offset >= from {
                if !wanted(&event) {
                    return Some(());
                }
                found.push(Stored { partition, offset, event });
            }
            offset += 1;
        }
        records.is_empty().then_some(())
    };
    reading().ok_or("records do not add up").inspect_err(|_| found.truncate(start))
}

fn read_origin(records: &mut Bytes) -> Option<LastOrigin> {
    let time = take(records, 8)?;
    Some(LastOrigin {
        time_us: i64::from_le_bytes(time.as_ref().try_into().ok()?),
        device: take_text(records)?,
        module: match take_u8(records)? {
            0 => None,
            1 => Some(take_text(records)?),
            _ => return None,
        },
        generation: take_text(records)?,
        auth_method: take_text(records)?,
    })
}

fn read_event(records: &mut Bytes, source: Source, origin: &LastOrigin) -> Option<Event> {
    let time_us = origin.time_us.wrapping_add(unzigzag(take_varint(records)?));
    Some(Event {
        enqueued: Timestamp::from_microsecond(time_us).ok()?,
        device: origin.device.clone(),
        module: origin.module.clone(),
        generation: origin.generation.clone(),
        auth_method: origin.auth_method.clone(),
        source,
        properties: take_bytes(records)?,
        body: take_bytes(records)?,
    })
}

fn take_u8(records: &mut Bytes) -> Option<u8> {
    (!records.is_empty()).then(|| records.get_u8())
}

fn take(records: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= records.len()).then(|| records.split_to(length))
}

fn take_bytes(records: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(take_varint(records)?).ok()?;
    take(records, length)
}

fn take_text(records: &mut Bytes) -> Option<Arc<str>> {
    std::str::from_utf8(&take_bytes(records)?).ok().map(Arc::from)
}

fn take_varint(records: &mut Bytes) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take_u8(records)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn put_bytes(records: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(records, bytes.len() as u64);
    records.extend_from_slice(bytes);
}

fn put_varint(records: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        records.push(value as u8 | 0x80);
        value >>= 7;
    }
    records.push(value as u8);
}

/// Small numbers of either sign become small: 0, -1, 1, -2 ...
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests;
