//! Revocation: what is taken back, why, and who must hear of it at once. For good: there is no way back.

mod bar;
mod elsewhere;
mod known;
mod memory;
mod reason;
mod refusal;
mod service;
mod sql;

use jiff::Timestamp;

use crate::hierarchy::AuthorityId;

pub use bar::ReadmitError;
pub use reason::{Reason, UnknownReason};
pub use refusal::{RevocationReadError, RevokeError};

pub(crate) use known::Revocations;
pub(crate) use memory::Mark;

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Serial {
        authority: AuthorityId,
        serial: [u8; 16],
    },
    /// Everything issued to this holder until now: its certificates are good from its next generation on
    /// ([`crate::Ca::holder`]).
    Holder(String),
    /// With everything that it issued, and the authorities below it.
    Authority(AuthorityId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    pub reason: Reason,
    /// When it was first revoked, to the microsecond.
    pub at: Timestamp,
}

/// What hub and provisioning service hear, to cut what is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    pub what: What,
    pub revocation: Revocation,
}

#[cfg(test)]
mod tests;
