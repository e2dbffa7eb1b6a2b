//! Reading threads: connections of their own, so that who reads does not wait for who writes.

use std::{path::Path, sync::Arc};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::{
    batch,
    error::ReadError,
    event::{Event, Stored},
    sql::{self, Head, Scan},
};

/// Reads waiting for a thread; above it `read` waits.
pub(crate) const REQUESTS_MAX: usize = 64;
/// One answer holds no more than this of properties and bodies, but always one event.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Nor more events than this.
const ANSWER_EVENTS_MAX: usize = 16_384;

pub(crate) struct Request {
    pub(crate) partition: u16,
    pub(crate) from: u64,
    pub(crate) max: usize,
    pub(crate) answer: oneshot::Sender<Result<Vec<Stored>, ReadError>>,
}

/// The thread: ends when nobody can ask any more, or on `None`.
pub(crate) fn run(connection: &Connection, mut requests: mpsc::Receiver<Option<Request>>) {
    while let Some(Some(request)) = requests.blocking_recv() {
        if !request.answer.is_closed() {
            let read = read(connection, request.partition, request.from, request.max);
            // Nobody may be waiting any more.
            let _ = request.answer.send(read);
        }
    }
}

pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    sql::open_reader(path)
}

fn read(connection: &Connection, partition: u16, from: u64, max: usize) -> Result<Vec<Stored>, ReadError> {
    let mut found = Vec::new();
    let mut room = Room { events: max.min(ANSWER_EVENTS_MAX), bytes: ANSWER_BYTES_MAX };
    let mut damaged: Option<(Head, &'static str)> = None;
    let scanned = sql::scan(connection, partition, from, |head, data| {
        if head.next_offset() <= from {
            return Scan::More; // ends where `from` begins
        }
        let place = (head.partition, head.first_offset, head.count);
        let decoded = match data() {
            Some(data) => batch::decode(data, place, from, |event| room.take(event), &mut found),
            None => Err("data cannot be loaded"),
        };
        match decoded {
            Ok(()) if room.events > 0 => Scan::More,
            Ok(()) => Scan::Enough,
            Err(reason) => {
                damaged = Some((*head, reason));
                Scan::Enough
            }
        }
    });
    match (scanned, damaged) {
        (Err(error), _) => Err(storage(&error)),
        // What is before the damage first.
        (Ok(()), Some((head, reason))) if found.is_empty() => Err(corrupt(connection, &head, from, reason)),
        (Ok(()), _) => Ok(found),
    }
}

/// What may still be put into an answer.
struct Room {
    events: usize,
    bytes: usize,
}

impl Room {
    /// The event that no longer fits ends it. The first always fits: it is smaller than an answer.
    fn take(&mut self, event: &Event) -> bool {
        let bytes = event.properties.len() + event.body.len();
        if self.events == 0 || bytes > self.bytes {
            self.events = 0;
            return false;
        }
        self.events -= 1;
        self.bytes -= bytes;
        true
    }
}

/// Its own count may be what is damaged, so the next batch says where reading goes on.
fn corrupt(connection: &Connection, head: &Head, from: u64, reason: &'static str) -> ReadError {
    match sql::after(connection, head) {
        Ok(after) => ReadError::Corrupt {
            partition: head.partition,
            offset: from.max(head.first_offset),
            next: after.map_or(head.next_offset(), |after| after.first_offset),
            reason,
        },
        Err(error) => storage(&error),
    }
}

fn storage(error: &rusqlite::Error) -> ReadError {
    ReadError::Storage(Arc::from(error.to_string()))
}
