//! What all contenders get: one request for a P-256 key, and for those who have none an authority with a P-256 key.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use muster_sas::ConnectionString;
use muster_simulator::Endpoint;
use serde_json::json;

use super::client::Asking;
use crate::muster::Muster;

const DEVICE: &str = "device-000001";
/// Longer than any benchmark.
const TOKEN_LASTS: Duration = Duration::from_secs(24 * 60 * 60);
const P256: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

pub(super) struct Materials {
    pub(super) csr_pem: String,
    pub(super) authority: PathBuf,
    pub(super) authority_key: PathBuf,
}

impl Materials {
    pub(super) fn make(folder: &Path) -> Result<Materials, String> {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let (request, key) = (folder.join("request.pem"), folder.join("device.key"));
        let (authority, authority_key) = (folder.join("authority.pem"), folder.join("authority.key"));
        req(&["-new", "-subj", &format!("/CN={DEVICE}")], &key, &request)?;
        req(&["-x509", "-days", "3650", "-subj", "/CN=Benchmark"], &authority_key, &authority)?;
        let csr_pem = fs::read_to_string(&request).map_err(|error| error.to_string())?;
        Ok(Materials { csr_pem, authority, authority_key })
    }

    /// What our API is asked.
    pub(super) fn body(&self) -> String {
        json!({ "profile": "device", "csr": self.csr_pem, "subject": { "commonName": DEVICE } }).to_string()
    }

    /// Asks the server as its owner does.
    pub(super) fn of_muster(&self, muster: &Muster) -> Result<Asking, String> {
        let ca = muster.endpoints.ca.as_ref().ok_or("the server has no authority in its endpoints.json")?;
        let owner =
            ConnectionString::parse(&ca.service_connection_string).map_err(|error| error.to_string())?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let expires_s = i64::try_from((now + TOKEN_LASTS).as_secs()).unwrap_or(i64::MAX);
        let token = muster_sas::sign(&owner.host_name, &owner.key, expires_s, Some(&owner.policy));
        let to = Endpoint::new(muster.endpoints.dps_https().endpoint.address, &owner.host_name);
        let headers = [("authorization", token.as_str())];
        Ok(Asking::new(to, Some(muster.trust.clone()), "/ca/sign", &headers, &self.body()))
    }
}

fn req(arguments: &[&str], key: &Path, out: &Path) -> Result<(), String> {
    let mut command = Command::new("openssl");
    command.arg("req").args(arguments).args(P256).arg("-keyout").arg(key).arg("-out").arg(out);
    let output = command.output().map_err(|error| {
        format!(
            "openssl makes keys and requests and cannot be started: {error}: `sudo apt-get install openssl`"
        )
    })?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("openssl req: {}", String::from_utf8_lossy(&output.stderr))),
    }
}
