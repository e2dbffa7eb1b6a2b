//! The certificate authority: one root, one issuing authority below it, and what they issue.
//!
//! For now that is the certificate of the TLS listeners; devices bring their own.

mod folder;
mod hierarchy;
mod issuance;
mod keys;
mod profile;

use std::{path::Path, sync::Arc};

use jiff::Timestamp;

use muster_x509::to_pem;

use crate::{folder::Folder, hierarchy::Hierarchy, issuance::ServerNames};

pub use folder::FolderError;
pub use hierarchy::OpenError;
pub use issuance::{IssueError, NameError, ServerCertificate, ServerCertificateError};
pub use keys::KeyError;

/// Fills a slice with unpredictable bytes. Private keys do not depend on it: AWS-LC draws them itself.
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// The handle to the authorities of one data directory. Every call here may wait for the disk.
pub struct Ca {
    hierarchy: Hierarchy,
    servers: Folder,
    root_pem: String,
    bundle_pem: String,
    entropy: Entropy,
}

impl Ca {
    /// Opens the authorities kept in `dir/ca`; makes them on the first start.
    pub fn open(dir: &Path, entropy: Entropy, now: Timestamp) -> Result<Self, OpenError> {
        let path = dir.join("ca");
        let hierarchy = Hierarchy::open(&Folder::open(path.clone())?, &entropy, now)?;
        let servers = Folder::open(path.join("servers"))?;
        let root_pem = to_pem(hierarchy.root.certificate().der());
        let bundle_pem = to_pem(hierarchy.issuing.certificate().der()) + &root_pem;
        Ok(Self { hierarchy, servers, root_pem, bundle_pem, entropy })
    }

    /// What clients are to trust.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The issuing authority, then the root: the whole way, for tools that want it in one file.
    pub fn bundle_pem(&self) -> &str {
        &self.bundle_pem
    }

    /// The certificate for a listener with these host names and IP addresses, kept in `dir/ca/servers` and used again
    /// while more than 30 days are left.
    pub fn server_certificate(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<ServerCertificate, ServerCertificateError> {
        let names = ServerNames::parse(names)?;
        ServerCertificate::open(&self.servers, &self.hierarchy.issuing, &names, &self.entropy, now)
    }
}
