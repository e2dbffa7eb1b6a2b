//! The file of acknowledged messages: a line each, durable before it counts.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

/// Lines that share one fdatasync.
const LINES_MAX: usize = 512;

struct Line {
    text: String,
    durable: oneshot::Sender<()>,
}

pub(crate) struct Acked {
    lines: mpsc::Sender<Line>,
    thread: JoinHandle<Result<u64, String>>,
}

#[derive(Clone)]
pub(crate) struct Writer {
    lines: mpsc::Sender<Line>,
}

impl Acked {
    /// Appends to what an earlier run wrote.
    pub(crate) fn open(path: &Path) -> Result<Acked, String> {
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        let (lines, waiting) = mpsc::channel(LINES_MAX);
        Ok(Acked { lines, thread: std::thread::spawn(move || write(file, waiting)) })
    }

    pub(crate) fn writer(&self) -> Writer {
        Writer { lines: self.lines.clone() }
    }

    /// How many lines were written.
    pub(crate) fn close(self) -> Result<u64, String> {
        drop(self.lines);
        self.thread.join().map_err(|_| "the writer of acknowledged messages ended in a panic".to_owned())?
    }
}

impl Writer {
    pub(crate) async fn acknowledged(&self, device: &str, number: u64) -> Result<(), String> {
        let gone = || "the file of acknowledged messages cannot be written".to_owned();
        let (durable, written) = oneshot::channel();
        let line = Line { text: format!("{device} {number}\n"), durable };
        self.lines.send(line).await.map_err(|_| gone())?;
        written.await.map_err(|_| gone())
    }
}

fn write(mut file: File, mut waiting: mpsc::Receiver<Line>) -> Result<u64, String> {
    let mut batch = Vec::with_capacity(LINES_MAX);
    let mut count = 0;
    while waiting.blocking_recv_many(&mut batch, LINES_MAX) > 0 {
        let text: String = batch.iter().map(|line| line.text.as_str()).collect();
        file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).map_err(|error| error.to_string())?;
        count += batch.len() as u64;
        for line in batch.drain(..) {
            // A device that no longer waits was cancelled; its line is true all the same.
            let _nobody = line.durable.send(());
        }
    }
    Ok(count)
}
