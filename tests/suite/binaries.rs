//! The binaries under test, as processes that end with their test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A debug server on a busy machine has been seen to need two seconds.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A binary of this workspace, beside the test's own; cargo does not build those of other packages for a test.
pub(crate) fn binary(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folder = here.parent().and_then(Path::parent).unwrap();
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --bins` first, as `tests/run` does",
        path.display()
    );
    path
}

/// Ports of the system's choice, so that tests can run beside each other.
pub(crate) fn configuration(folder: &Path, more: &str) -> PathBuf {
    let path = folder.join("muster.toml");
    let text =
        format!("ports = {{ mqtts = 0, https = 0, amqps = 0, http = 0 }}\nretry_after_s = 1\n{more}\n");
    fs::write(&path, text).unwrap();
    path
}

/// `muster serve`, killed when dropped.
pub(crate) struct Serve {
    child: Child,
    pub(crate) endpoints: PathBuf,
}

impl Serve {
    pub(crate) fn start(data: &Path, configuration: &Path) -> Serve {
        let endpoints = data.join("endpoints.json");
        let _ = fs::remove_file(&endpoints); // what a killed server left says nothing about this one
        let log = fs::File::options().create(true).append(true).open(data.with_extension("log")).unwrap();
        let child = Command::new(binary("muster"))
            .args(["serve", "--data"])
            .arg(data)
            .arg("--config")
            .arg(configuration)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut serve = Serve { child, endpoints };
        let deadline = Instant::now() + READY_WITHIN;
        while !serve.endpoints.exists() {
            if let Some(status) = serve.child.try_wait().unwrap() {
                panic!("muster serve ended with {status}: {}", serve.log(data));
            }
            assert!(Instant::now() < deadline, "muster serve is not ready: {}", serve.log(data));
            std::thread::sleep(Duration::from_millis(5));
        }
        serve
    }

    fn log(&self, data: &Path) -> String {
        fs::read_to_string(data.with_extension("log")).unwrap_or_default()
    }

    /// SIGKILL: nothing of it gets to say goodbye.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Resident memory in bytes, as the kernel counts it.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
