//! What is asked for, and what is answered.

use std::{collections::BTreeMap, net::IpAddr};

use jiff::Timestamp;

use muster_x509::{Certificate, Csr};

use crate::{caller::Caller, hierarchy::AuthorityId, profile::ProfileId};

#[derive(Debug, Clone)]
pub struct Request {
    pub authority: AuthorityId,
    /// `device` is its latest version, `device@3` that one.
    pub profile: String,
    pub csr: Csr,
    pub subject: SubjectFacts,
    pub caller: Caller,
    /// The same caller gets the same answer for the same key.
    pub idempotency_key: Option<String>,
    pub holder: Option<Holder>,
    /// Earlier than what the profile gives, when asked for.
    pub not_after: Option<Timestamp>,
}

/// What is known of the subject from elsewhere than the request; templates of profiles name these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubjectFacts {
    /// `{common_name}`
    pub common_name: Option<String>,
    /// `{serial_number}`
    pub serial_number: Option<String>,
    /// `{organization}`
    pub organization: Option<String>,
    /// `{organizational_unit}`
    pub organizational_unit: Option<String>,
    /// `{dns_names}`
    pub dns_names: Vec<String>,
    /// `{ip_addresses}`
    pub ip_addresses: Vec<IpAddr>,
    /// `{uris}`
    pub uris: Vec<String>,
    /// `{hardware}`
    pub hardware: Option<Hardware>,
    /// Others, by the name that a template uses.
    pub more: BTreeMap<String, String>,
}

/// hardwareModuleName (RFC 4108 section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hardware {
    /// The object identifier of the kind of hardware.
    pub kind: String,
    pub serial: Vec<u8>,
}

/// Whose the certificate is; opaque here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub name: String,
    /// Stands in the certificate: another one for the holder revokes all with the old.
    pub generation: String,
}

#[derive(Debug, Clone)]
pub struct Issued {
    pub certificate: Certificate,
    /// Its authority, and so on to the root.
    pub chain: Vec<Certificate>,
    pub serial: [u8; 16],
    pub log_index: u64,
    pub profile: ProfileId,
    pub freshness: Freshness,
    /// What the caller should know though it is no reason to refuse: what of the request was left out, a shared key.
    pub remarks: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    New,
    /// The answer to an earlier request with the same idempotency key.
    Repeated,
}
