//! Profiles: what certificates of a kind look like, and the rules that turn a request into one. Pure.

use std::fmt;

use jiff::Timestamp;

use muster_x509::Csr;

use crate::{hierarchy::Authority, issuance::Request};

/// A kind of certificate. Versions are never changed, only followed by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub id: ProfileId,
}

/// A version of a profile: `device@3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProfileId {
    pub name: String,
    pub version: u32,
}

/// A certificate that may be signed: only [`prepare`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    tbs: Vec<u8>,
    serial: [u8; 16],
}

/// Why a request does not fit its profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("profile `{profile}` is not there: `muster ca profile list` shows those that are")]
    NoSuchProfile { profile: String },
}

/// Builds what is to be signed, or says why not.
pub fn prepare(
    profile: &Profile,
    csr: &Csr,
    request: &Request,
    authority: &Authority,
    serial: [u8; 16],
    now: Timestamp,
) -> Result<Prepared, Refused> {
    let _ = (csr, request, authority, serial, now);
    Err(Refused::NoSuchProfile { profile: profile.id.name.clone() })
}

impl Prepared {
    pub fn tbs(&self) -> &[u8] {
        &self.tbs
    }

    pub fn serial(&self) -> [u8; 16] {
        self.serial
    }
}

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}
