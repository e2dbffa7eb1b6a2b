//! Issuance: each step in its order.

use jiff::Timestamp;

use muster_store::{Db, StoreError};
use muster_x509::Certificate;

use super::{Filter, IssueError, Issued, Page, RenewError, RenewRequest, Request, Stored};
use crate::{
    Ca,
    caller::Caller,
    hierarchy::{Authority, AuthorityId},
    keys::KeyRef,
};

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

    /// Another certificate for the identity of one that is there.
    pub async fn renew(&self, renewal: RenewRequest, now: Timestamp) -> Result<Issued, RenewError> {
        let _ = now;
        Err(RenewError::NotOurs {
            serial: renewal.old.serial_hex().to_owned(),
            issuer: renewal.old.issuer().to_owned(),
        })
    }

    pub async fn certificate(
        &self,
        serial: [u8; 16],
        authority: Option<&AuthorityId>,
    ) -> Result<Option<Stored>, StoreError> {
        let _ = (serial, authority);
        Ok(None)
    }

    /// Certificates from the one with this log index on, `max` at most.
    pub async fn certificates(&self, filter: &Filter, from: u64, max: usize) -> Result<Page, StoreError> {
        let _ = (filter, from, max);
        Ok(Page { certificates: Vec::new(), next: None })
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
