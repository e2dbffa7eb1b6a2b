//! A server under load, as the kernel accounts for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// `/proc/PID/stat` counts in these, whatever the kernel's own tick is.
const TICKS_PER_S: f64 = 100.0;

/// A process of ours; it does not outlive this value.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts `command`, its output in `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Process, String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let output =
            fs::File::create(log).map_err(|error| format!("cannot write {}: {error}", log.display()))?;
        let errors = output.try_clone().map_err(|error| error.to_string())?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("cannot start {program}: {error}"))?;
        Ok(Process { child })
    }

    /// Waits until `ready` says so.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        log: &Path,
        within: Duration,
        ready: impl Fn() -> bool,
    ) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            if ready() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                let said = fs::read_to_string(log).unwrap_or_default();
                return Err(format!("{what} ended with {status} before it was ready:\n{said}"));
            }
            if begun.elapsed() > within {
                return Err(format!("{what} was not ready within {} s", within.as_secs()));
            }
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    }

    pub(crate) fn cpu_s(&self) -> f64 {
        cpu_s(self.child.id())
    }

    pub(crate) fn rss_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
    }

    /// Asks the process to stop, and waits for it.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        asked.map_err(|error| format!("cannot signal the server: {error}"))?;
        self.child.wait().map_err(|error| error.to_string())?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; either way nothing is left.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// CPU time of this process, all threads.
pub(crate) fn own_cpu_s() -> f64 {
    cpu_s(std::process::id())
}

fn cpu_s(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The second field is the name in parentheses and may contain anything; user and system time are the 14th and 15th.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_PER_S
}

/// A folder for everything that is made here.
pub(crate) fn scratch(parent: Option<PathBuf>) -> Result<PathBuf, String> {
    let parent = parent.unwrap_or_else(std::env::temp_dir);
    let folder = parent.join(format!("muster-load-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder)
}

/// A port that nobody listens on; for servers that must be told one.
pub(crate) fn free_port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}
