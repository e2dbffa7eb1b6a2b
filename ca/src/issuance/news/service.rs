//! The log followed: by being told that it grew, and by reading on from where one was.

use std::collections::HashSet;

use muster_store::StoreError;
use tokio::sync::watch;

use super::{News, sql};
use crate::{
    Ca,
    issuance::{CertificateReadError, Stored, sql::size},
};

/// Certificates of one answer: some hundred kilobytes of names.
const CERTIFICATES_MAX: u64 = 4096;

impl Ca {
    /// Grows with every certificate that this process issues, when it is in the database: how many there are. What it is
    /// about is in [`Ca::news`], so nobody lags behind, and nothing is lost with a process.
    pub fn issued(&self) -> watch::Receiver<u64> {
        self.log.certificates()
    }

    /// Who got certificates from this place in the log on: of so many at a time, each once.
    pub async fn news(&self, from: u64) -> Result<News, StoreError> {
        let end = size(&self.db).await?.min(from.saturating_add(CERTIFICATES_MAX));
        if end <= from {
            return Ok(News { next: from, ..News::default() });
        }
        let mut recipients = sql::recipients(&self.db, from, end).await?;
        let mut seen = HashSet::with_capacity(recipients.len());
        recipients.retain(|recipient| seen.insert(recipient.clone()));
        Ok(News { recipients, next: end })
    }

    /// The certificate that a holder got last, of these profiles, whatever their version.
    pub async fn newest(
        &self,
        holder: &str,
        profiles: &[&str],
    ) -> Result<Option<Stored>, CertificateReadError> {
        // PostgreSQL cannot be asked about a name with NUL, and none has one.
        if holder.contains('\0') {
            return Ok(None);
        }
        sql::newest(&self.db, holder, profiles).await
    }
}
