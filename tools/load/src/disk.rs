//! What the disk can do at best: append and make durable, one after the other.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Appends {
    pub(crate) per_s: f64,
    pub(crate) p99_ms: f64,
}

/// Appends of `bytes` in a fresh file, each followed by fdatasync, for as long as told.
pub(crate) fn appends(folder: &Path, bytes: usize, during: Duration) -> Result<Appends, String> {
    let path = folder.join("appends");
    let failed = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(&path).map_err(failed)?;
    let block = vec![0x5a; bytes];
    let mut took_us = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < during {
        let one = Instant::now();
        file.write_all(&block).map_err(failed)?;
        file.sync_data().map_err(failed)?;
        took_us.push(one.elapsed().as_micros());
    }
    let seconds = begun.elapsed().as_secs_f64();
    std::fs::remove_file(&path).map_err(failed)?;
    took_us.sort_unstable();
    let p99_us = took_us.get(took_us.len() * 99 / 100).copied().unwrap_or(0);
    Ok(Appends { per_s: took_us.len() as f64 / seconds, p99_ms: p99_us as f64 / 1e3 })
}
