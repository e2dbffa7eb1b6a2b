//! Debian's mosquitto on a TLS listener of its own, set up so that nothing of it but its work is measured.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use muster_simulator::factory::Authority;
use muster_simulator::{Endpoint, Trust};

use crate::process::{Process, free_port};

const HOST: &str = "mosquitto.example.test";
const BINARY: &str = "/usr/sbin/mosquitto";
const READY_WITHIN: Duration = Duration::from_secs(10);

pub(crate) struct Mosquitto {
    pub(crate) process: Process,
    pub(crate) endpoint: Endpoint,
    pub(crate) trust: Trust,
}

impl Mosquitto {
    pub(crate) async fn start(scratch: &Path) -> Result<Mosquitto, String> {
        install()?;
        let folder = scratch.join("mosquitto");
        let port = free_port()?;
        let root = prepare(&folder, port)?;
        let log = folder.join("log");
        let mut command = Command::new(BINARY);
        command.arg("-c").arg(folder.join("mosquitto.conf"));
        let mut process = Process::start(&mut command, &log)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listens = || TcpStream::connect(address).is_ok();
        process.until("mosquitto", &log, READY_WITHIN, listens).await?;
        let trust = Trust::from_pem(root.as_bytes()).map_err(|error| error.to_string())?;
        Ok(Mosquitto { process, endpoint: Endpoint::new(address, HOST), trust })
    }
}

/// Writes certificates of the same kind as Muster's (P-256, root, issuing authority, leaf) and the configuration;
/// gives the root.
fn prepare(folder: &Path, port: u16) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot prepare {}: {error}", folder.display());
    let unmade = |error: muster_simulator::factory::FactoryError| error.to_string();
    fs::create_dir_all(folder).map_err(failed)?;
    let root = Authority::root("benchmark root").map_err(unmade)?;
    let issuing = root.intermediate("benchmark issuing").map_err(unmade)?;
    let server = issuing.server(&[HOST]).map_err(unmade)?;
    fs::write(folder.join("chain.pem"), &server.chain_pem).map_err(failed)?;
    fs::write(folder.join("key.pem"), &server.key_pem).map_err(failed)?;
    let folder = folder.display();
    // As root mosquitto becomes another user before it reads the key; `user root` keeps it here.
    let configuration = format!(
        "user root\nlistener {port} 127.0.0.1\ncertfile {folder}/chain.pem\nkeyfile {folder}/key.pem\n\
         allow_anonymous true\nset_tcp_nodelay true\nmax_inflight_messages 0\nmax_queued_messages 0\n\
         persistence false\nlog_type error\n"
    );
    fs::write(format!("{folder}/mosquitto.conf"), configuration).map_err(failed)?;
    Ok(root.pem().to_owned())
}

fn install() -> Result<(), String> {
    if Path::new(BINARY).is_file() {
        return Ok(());
    }
    eprintln!("muster-load: installing mosquitto, the baseline for publishes");
    // Fails harmlessly without the rights; what counts is whether the binary is there.
    for arguments in [["-qq", "update"].as_slice(), &["-qq", "-y", "install", "mosquitto"]] {
        let _attempted = Command::new("apt-get").args(arguments).status();
    }
    match Path::new(BINARY).is_file() {
        true => Ok(()),
        false => Err("mosquitto is the baseline and is missing: `sudo apt-get install mosquitto`".to_owned()),
    }
}
