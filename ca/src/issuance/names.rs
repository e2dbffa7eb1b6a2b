//! The names that a server's certificate is for.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use x509_cert::{
    der::asn1::Ia5String,
    ext::pkix::{SubjectAltName, name::GeneralName},
    name::Name,
};

use crate::hierarchy::BuildError;

/// A server has a few; each costs every handshake its bytes.
const NAMES_MAX: usize = 64;
/// RFC 1035 section 2.3.4.
const HOST_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;
/// RFC 5280 appendix A.1, ub-common-name.
const COMMON_NAME_CHARS_MAX: usize = 64;

/// Host names and addresses, in a canonical order, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerNames {
    hosts: Vec<String>,
    addresses: Vec<IpAddr>,
    /// The first that was given: what people read.
    title: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("names of the server are missing: give at least one host name or IP address")]
    Missing,
    #[error(
        "names of the server are {given}, more than the {NAMES_MAX} allowed: give fewer, or one with a leading `*.`"
    )]
    TooMany { given: usize },
    #[error(
        "server name `{name}` is neither a host name nor an IP address: use letters, digits and hyphens between dots, at most {HOST_BYTES_MAX} characters"
    )]
    Malformed { name: String },
}

impl ServerNames {
    pub(crate) fn parse(names: &[String]) -> Result<Self, NameError> {
        if names.len() > NAMES_MAX {
            return Err(NameError::TooMany { given: names.len() });
        }
        let title = names.first().ok_or(NameError::Missing)?.to_ascii_lowercase();
        let (mut hosts, mut addresses) = (Vec::new(), Vec::new());
        for name in names {
            if let Ok(address) = name.parse::<IpAddr>() {
                addresses.push(address);
            } else if is_host(name) {
                hosts.push(name.to_ascii_lowercase());
            } else {
                let name = name.chars().take(HOST_BYTES_MAX).collect();
                return Err(NameError::Malformed { name });
            }
        }
        hosts.sort_unstable();
        hosts.dedup();
        addresses.sort_unstable();
        addresses.dedup();
        Ok(Self { hosts, addresses, title })
    }

    /// Where the certificate for these names is kept.
    pub(crate) fn file_name(&self) -> String {
        let text = format!("{:?}{:?}", self.hosts, self.addresses);
        format!("{}.pem", hex::encode(&digest(&SHA256, text.as_bytes()).as_ref()[..8]))
    }

    pub(crate) fn subject(&self) -> Result<Name, BuildError> {
        let title =
            if self.title.len() <= COMMON_NAME_CHARS_MAX { self.title.as_str() } else { "Muster Server" };
        Ok(format!("CN={title}").parse()?)
    }

    pub(crate) fn alternative_names(&self) -> Result<SubjectAltName, BuildError> {
        let mut names = Vec::with_capacity(self.hosts.len() + self.addresses.len());
        for host in &self.hosts {
            names.push(GeneralName::DnsName(Ia5String::new(host)?));
        }
        names.extend(self.addresses.iter().copied().map(GeneralName::from));
        Ok(SubjectAltName(names))
    }
}

/// Letters, digits and hyphens (RFC 5890 section 2.3.1); the first label may be `*`.
fn is_host(name: &str) -> bool {
    let labels = name.strip_prefix("*.").unwrap_or(name);
    let digits_only = labels.chars().all(|character| character.is_ascii_digit() || character == '.');
    name.len() <= HOST_BYTES_MAX && !digits_only && labels.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}
