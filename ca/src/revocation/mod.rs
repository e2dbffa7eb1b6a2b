//! Revocation: what is taken back, why, and who must hear of it at once.

mod service;

use jiff::Timestamp;

use crate::hierarchy::AuthorityId;

pub(crate) use service::Revocations;

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Serial {
        authority: AuthorityId,
        serial: [u8; 16],
    },
    /// Everything ever issued to this holder.
    Holder(String),
    Authority(AuthorityId),
}

/// RFC 5280 section 5.3.1, those that make sense here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Unspecified,
    KeyCompromise,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    PrivilegeWithdrawn,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    pub reason: Reason,
    pub at: Timestamp,
}

/// What hub and provisioning service hear, to cut what is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    pub what: What,
    pub revocation: Revocation,
}
