//! Certificates looked up, and keys that get none.

use jiff::Timestamp;

use muster_store::WriteError;

use super::{CertificateReadError, Filter, Page, Stored};
use crate::{Action, Ca, Caller, Decision, Entry, hierarchy::AuthorityId, issuance::sql};

/// What one answer may cost, in memory and in bytes.
const PAGE_MAX: usize = 1000;
/// How many certificates one call looks through, so that a filter that fits none holds nobody up.
const SCAN_MAX: u64 = 20_000;

impl Ca {
    /// The certificate of that serial, of that authority or of whichever has one.
    pub async fn certificate(
        &self,
        serial: [u8; 16],
        authority: Option<&AuthorityId>,
    ) -> Result<Option<Stored>, CertificateReadError> {
        if let Some(authority) = authority {
            return sql::by_serial(&self.db, authority, serial).await;
        }
        for authority in self.tree().iter() {
            if let Some(found) = sql::by_serial(&self.db, &authority.id, serial).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// No more certificates for a key, by the SHA-256 of its SubjectPublicKeyInfo: somebody else has it.
    pub async fn block_key(
        &self,
        spki_sha256: [u8; 32],
        reason: &str,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), WriteError> {
        let entry = blocking(spki_sha256, caller).because(reason);
        self.record(entry, None, vec![sql::block(spki_sha256, reason, now)], now).await.map(|_| ())
    }

    /// `Unmet` when it is not blocked.
    pub async fn unblock_key(
        &self,
        spki_sha256: [u8; 32],
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), WriteError> {
        let entry = blocking(spki_sha256, caller);
        let allowed = entry.clone().because("not blocked any more");
        let unblocked = self.record(allowed, None, vec![sql::unblock(spki_sha256)], now).await.map(|_| ());
        if let Err(WriteError::Unmet { .. }) = &unblocked {
            let refused = Entry { decision: Decision::Refused, ..entry }.because("it is not blocked");
            self.audit(refused, now).await?;
        }
        unblocked
    }

    /// Certificates from the one with this log index on, `max` at most, and never more than 1000.
    pub async fn certificates(
        &self,
        filter: &Filter,
        from: u64,
        max: usize,
    ) -> Result<Page, CertificateReadError> {
        let max = max.clamp(1, PAGE_MAX);
        let size = sql::size(&self.db).await?;
        // A holder has few, and they have an index.
        let end = if filter.holder.is_some() { size } else { size.min(from.saturating_add(SCAN_MAX)) };
        let mut certificates = sql::in_order(&self.db, filter, from, end, max + 1).await?;
        let next = match certificates.get(max).map(|more| &more.stage) {
            Some(super::Stage::Issued { log_index, .. }) => Some(*log_index),
            Some(super::Stage::Recorded | super::Stage::Abandoned) | None => (end < size).then_some(end),
        };
        certificates.truncate(max);
        Ok(Page { certificates, next })
    }
}

fn blocking(spki_sha256: [u8; 32], caller: &Caller) -> Entry {
    Entry::new(
        caller,
        Action::CredentialChange,
        format!("key/{}", hex::encode(spki_sha256)),
        Decision::Allowed,
    )
}
