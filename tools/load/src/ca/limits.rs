//! What no authority on this machine can exceed: signatures of one core, and what the disk makes durable.

use std::path::Path;
use std::process::Command;

use crate::Setting;
use crate::disk::appends;
use crate::figures::{Figure, Figures};

/// A certificate as it is recorded.
const RECORD_BYTES: usize = 600;

pub(super) fn measure(setting: &Setting, figures: &mut Figures, scratch: &Path) -> Result<(), String> {
    let speed = speed()?;
    figures.add(limit("P-256 signatures of a core", speed.signs_per_s, "openssl speed ecdsap256"));
    figures.add(limit(
        "P-256 verifications of a core",
        speed.verifies_per_s,
        "each request takes one, for it is signed",
    ));
    let durable = appends(scratch, RECORD_BYTES, setting.measured())?;
    let note = format!("{RECORD_BYTES} bytes each, p99 {:.1} ms: a commit", durable.p99_ms);
    figures.add(limit("fdatasyncs of the disk", durable.per_s, &note));
    Ok(())
}

fn limit(name: &str, value: f64, note: &str) -> Figure {
    Figure { name: name.to_owned(), unit: "/s", value, baseline: None, target: None, note: note.to_owned() }
}

struct Speed {
    signs_per_s: f64,
    verifies_per_s: f64,
}

fn speed() -> Result<Speed, String> {
    let output = Command::new("openssl").args(["speed", "-seconds", "3", "ecdsap256"]).output();
    let output = output.map_err(|error| format!("openssl cannot be started: {error}"))?;
    parse(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| "openssl speed says no speed".to_owned())
}

/// ` 256 bits ecdsa (nistp256)   0.0000s   0.0001s  39400.0  13500.0`
fn parse(said: &str) -> Option<Speed> {
    let line = said.lines().find(|line| line.contains("(nistp256)"))?;
    let mut last = line.split_whitespace().rev();
    let verifies_per_s = last.next()?.parse().ok()?;
    Some(Speed { signs_per_s: last.next()?.parse().ok()?, verifies_per_s })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_is_read_from_the_table() {
        let said = "                              sign    verify    sign/s verify/s\n \
                    256 bits ecdsa (nistp256)   0.0000s   0.0001s  39400.2  13500.5\n";
        let speed = parse(said).unwrap();
        assert_eq!((speed.signs_per_s, speed.verifies_per_s), (39400.2, 13500.5));
    }
}
