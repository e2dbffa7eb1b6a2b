//! Our way from request to signature as a server that records nothing: an example of the authority's crate.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use muster_simulator::Endpoint;

use super::client::Asking;
use super::materials::Materials;
use crate::process::{Process, free_port};

const READY_WITHIN: Duration = Duration::from_secs(10);

pub(super) struct Unrecorded {
    pub(super) process: Process,
    pub(super) asking: Asking,
}

impl Unrecorded {
    /// The example of the same build as the server's binary.
    pub(super) async fn start(
        muster: &Path,
        materials: &Materials,
        scratch: &Path,
    ) -> Result<Unrecorded, String> {
        let binary = muster.with_file_name("examples").join("unrecorded");
        if !binary.is_file() {
            let binary = binary.display();
            return Err(format!(
                "no `{binary}`: build it with `cargo build --release -p muster-ca --example unrecorded`"
            ));
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let log = scratch.join("unrecorded.log");
        let mut process = Process::start(Command::new(binary).arg(address.to_string()), &log)?;
        let listens = || TcpStream::connect(address).is_ok();
        process.until("unrecorded", &log, READY_WITHIN, listens).await?;
        let to = Endpoint::new(address, "127.0.0.1");
        Ok(Unrecorded { process, asking: Asking::new(to, None, "/ca/sign", &[], &materials.body()) })
    }
}
