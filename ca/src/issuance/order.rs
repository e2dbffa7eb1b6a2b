//! A request on its way to a certificate: what of it is settled before anything is written. Pure.

use std::sync::Arc;

use jiff::Timestamp;

use muster_x509::Csr;

use super::{Holder, IssueError};
use crate::{
    Action,
    caller::Caller,
    hierarchy::Authority,
    profile::{Identity, OfAnother, Profile},
};

const IDEMPOTENCY_KEY_BYTES_MAX: usize = 200;

/// A request that may be fulfilled, as far as names and grants go.
pub(super) struct Order<'a> {
    pub(super) action: Action,
    pub(super) authority: Arc<Authority>,
    pub(super) profile: Arc<Profile>,
    pub(super) csr: &'a Csr,
    pub(super) identity: Identity<'a>,
    pub(super) caller: &'a Caller,
    pub(super) caller_name: String,
    pub(super) idempotency_key: Option<&'a str>,
    pub(super) holder: Option<&'a Holder>,
    pub(super) not_after: Option<Timestamp>,
    pub(super) remarks: Vec<String>,
}

impl Order<'_> {
    /// The key has a certificate for this other holder: refused, or remarked on.
    pub(super) fn judge_key_of(&self, holder: String) -> Result<String, IssueError> {
        match self.profile.key.of_another {
            OfAnother::Refuse => Err(IssueError::KeyOfAnother { holder }),
            OfAnother::Warn => Ok(format!("public key is that of `{holder}`, too")),
        }
    }
}

/// Whose idempotency keys these are.
pub(super) fn caller_name(caller: &Caller) -> String {
    format!("{} {}", caller.credential, caller.name)
}

pub(super) fn check_idempotency_key(key: Option<&str>) -> Result<(), IssueError> {
    match key {
        Some(key)
            if !(1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len())
                || !key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') =>
        {
            Err(IssueError::IdempotencyKeyMalformed(key.len()))
        }
        Some(_) | None => Ok(()),
    }
}
