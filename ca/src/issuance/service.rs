//! Issuance: each step in its order.

use jiff::Timestamp;

use muster_store::{Db, StoreError};
use muster_x509::Certificate;

use super::{IssueError, Issued, Request};
use crate::{Ca, caller::Caller, hierarchy::Authority, keys::KeyRef};

/// Profiles, grants, quotas in memory.
pub(crate) struct Issuance {}

impl Issuance {
    pub(crate) async fn open(_db: &Db) -> Result<Self, StoreError> {
        Ok(Self {})
    }
}

impl Ca {
    /// Prepare, lint, record, sign, record, answer.
    pub async fn issue(&self, request: Request, now: Timestamp) -> Result<Issued, IssueError> {
        let _ = now;
        Err(IssueError::NoSuchAuthority(request.authority))
    }

    /// The signing half for certificates of authorities, responders and listeners, which have no request: records
    /// `{serial, tbs}`, signs with the key of `issuer`, records certificate, audit entry and log leaf, and answers.
    pub(crate) async fn sign_recorded(
        &self,
        issuer: &Signing<'_>,
        tbs: Vec<u8>,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Certificate, IssueError> {
        let _ = (caller, now);
        let signature = self.keys.sign(issuer.key, &tbs).await?;
        let certificate = signature.wrap(&tbs);
        Ok(Certificate::parse(&certificate).map_err(crate::hierarchy::BuildError::from)?)
    }
}

/// Who signs. A root signs itself before it is an authority of the tree.
pub(crate) struct Signing<'a> {
    pub(crate) authority: &'a Authority,
    pub(crate) key: &'a KeyRef,
    pub(crate) profile: &'static str,
}
