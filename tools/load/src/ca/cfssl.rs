//! Debian's cfssl as a signing server over HTTP, with its SQLite database or without any records.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use muster_simulator::Endpoint;
use serde_json::json;

use super::client::Asking;
use super::materials::Materials;
use crate::process::{Process, free_port};

const BINARY: &str = "/usr/bin/cfssl";
const READY_WITHIN: Duration = Duration::from_secs(10);
/// Says nothing of what goes well: Muster is told the same.
const WARNINGS_ONLY: &str = "-loglevel=2";
/// As cfssl's own migrations make it (certdb/sqlite/migrations); Debian leaves them out.
const TABLES: &str = "CREATE TABLE certificates (serial_number blob NOT NULL, \
     authority_key_identifier blob NOT NULL, ca_label blob, status blob NOT NULL, reason int, expiry timestamp, \
     revoked_at timestamp, pem blob NOT NULL, PRIMARY KEY(serial_number, authority_key_identifier)); \
     CREATE TABLE ocsp_responses (serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, \
     body blob NOT NULL, expiry timestamp, PRIMARY KEY(serial_number, authority_key_identifier), \
     FOREIGN KEY(serial_number, authority_key_identifier) \
     REFERENCES certificates(serial_number, authority_key_identifier));";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Records {
    None,
    Sqlite,
}

pub(super) struct Cfssl {
    pub(super) process: Process,
    pub(super) asking: Asking,
}

impl Cfssl {
    pub(super) async fn start(
        materials: &Materials,
        records: Records,
        scratch: &Path,
    ) -> Result<Cfssl, String> {
        let folder = scratch.join(match records {
            Records::None => "cfssl",
            Records::Sqlite => "cfssl-sqlite",
        });
        let failed = |error: std::io::Error| format!("cannot prepare {}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(failed)?;
        let (config, port) = (folder.join("config.json"), free_port()?);
        fs::write(&config, configuration()).map_err(failed)?;
        let mut command = Command::new(BINARY);
        command.args(["serve", "-address=127.0.0.1", WARNINGS_ONLY, &format!("-port={port}")]);
        command.arg("-ca").arg(&materials.authority).arg("-ca-key").arg(&materials.authority_key);
        command.arg("-config").arg(&config);
        if records == Records::Sqlite {
            let (database, db_config) = (folder.join("certificates.db"), folder.join("db.json"));
            let connection = rusqlite::Connection::open(&database).map_err(|error| error.to_string())?;
            connection.execute_batch(TABLES).map_err(|error| error.to_string())?;
            let said = json!({ "driver": "sqlite3", "data_source": database });
            fs::write(&db_config, said.to_string()).map_err(failed)?;
            command.arg("-db-config").arg(&db_config);
        }
        let log = folder.join("log");
        let mut process = Process::start(&mut command, &log)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listens = || TcpStream::connect(address).is_ok();
        process.until("cfssl serve", &log, READY_WITHIN, listens).await?;
        let body = json!({ "certificate_request": materials.csr_pem, "profile": "device" }).to_string();
        let to = Endpoint::new(address, "127.0.0.1");
        Ok(Cfssl { process, asking: Asking::new(to, None, "/api/v1/cfssl/sign", &[], &body) })
    }
}

/// The same life, usages and addresses as in our device profile.
fn configuration() -> String {
    let device = json!({
        "expiry": "2160h",
        "usages": ["digital signature", "client auth"],
        "crl_url": "http://pki.example/crl/issuing/1.crl",
        "ocsp_url": "http://pki.example/ocsp",
        "issuer_urls": ["http://pki.example/issuer/issuing.cer"],
    });
    json!({ "signing": { "default": { "expiry": "2160h" }, "profiles": { "device": device } } }).to_string()
}

pub(super) fn install() -> Result<(), String> {
    if Path::new(BINARY).is_file() {
        return Ok(());
    }
    eprintln!("muster-load: installing golang-cfssl, the baseline for certificates");
    // Fails harmlessly without the rights; what counts is whether the binary is there.
    for arguments in [["-qq", "update"].as_slice(), &["-qq", "-y", "install", "golang-cfssl"]] {
        let _attempted = Command::new("apt-get").args(arguments).status();
    }
    match Path::new(BINARY).is_file() {
        true => Ok(()),
        false => Err("cfssl is the baseline and is missing: `sudo apt-get install golang-cfssl`".to_owned()),
    }
}
