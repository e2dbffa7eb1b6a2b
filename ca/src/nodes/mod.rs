//! What other nodes on the same database decide, taken into memory here.
//!
//! Each decision is an entry of the audit log, in the commit that carries it out. Whoever appends holds the row of the log's
//! head until that commit, so whoever sees the head at a number sees all entries up to it, in their order. The log is read on
//! from where it was read last; what an entry is about is then read anew, for what it says is for people. This node's own
//! entries come by, too, and are no news.

mod service;
mod sql;

use std::collections::BTreeSet;

use crate::{Action, RevocationReadError, hierarchy::OpenError};

pub(crate) use service::Heard;

/// Why it is not known what other nodes did; what is known stands.
#[derive(Debug, thiserror::Error)]
pub enum NodesError {
    #[error("what other nodes decided cannot be read: {0}")]
    Read(#[from] muster_store::StoreError),
    #[error(transparent)]
    Revocations(#[from] RevocationReadError),
    #[error("authorities of other nodes cannot be read: {0}")]
    Authorities(#[from] OpenError),
}

/// What entries are about, once each.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    /// An authority, or several, are not as before.
    hierarchy: bool,
    profiles: bool,
    grants: bool,
    /// Labels of EST, and credentials, as the log names them.
    est: BTreeSet<String>,
    revoked: Revoked,
}

/// By their names in the log: whether it is so is read where it is recorded.
#[derive(Debug, Default, PartialEq, Eq)]
struct Revoked {
    serials: BTreeSet<[u8; 16]>,
    /// Revoked as a whole, or readmitted.
    holders: BTreeSet<String>,
    authorities: BTreeSet<String>,
}

/// What makes an authority another one than it was.
const OF_AUTHORITIES: [Action; 7] = [
    Action::AuthorityCreate,
    Action::AuthorityRequest,
    Action::AuthorityActivate,
    Action::AuthorityRenew,
    Action::AuthorityChange,
    Action::AuthorityRevoke,
    Action::TrustImport,
];

impl Changes {
    /// What memory knows nothing of is passed over.
    fn take(&mut self, action: &str, object: &str) {
        let is = |heard: &[Action]| heard.iter().any(|heard| heard.as_str() == action);
        self.hierarchy |= is(&OF_AUTHORITIES);
        self.profiles |= is(&[Action::ProfileChange]);
        if is(&[Action::CredentialChange]) {
            self.grants |= object.starts_with("grant/");
            if object.starts_with("est/") {
                self.est.insert(object.to_owned());
            }
        }
        if is(&[Action::AuthorityRevoke]) {
            self.revoked.authorities.insert(object.to_owned());
        }
        if is(&[Action::CertificateRevoke, Action::HolderReadmit]) {
            self.revoked.take(object);
        }
    }
}

impl Revoked {
    fn take(&mut self, object: &str) {
        if let Some(holder) = object.strip_prefix("holder/") {
            self.holders.insert(holder.to_owned());
        }
        let mut serial = [0; 16];
        if let Some(hex) = object.strip_prefix("certificate/")
            && hex::decode_to_slice(hex, &mut serial).is_ok()
        {
            self.serials.insert(serial);
        }
    }
}

#[cfg(test)]
mod tests;
