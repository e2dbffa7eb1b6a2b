//! Decisions, handed to the authority where there is one.

use jiff::Timestamp;
use muster_ca::Entry;
use muster_store::{Statement, WriteError};

use crate::Dps;

impl Dps {
    /// Writes a change, and what is to be told of it, in one commit.
    pub(crate) async fn write_audited(
        &self,
        unit: Vec<Statement>,
        entry: Option<Entry>,
        now: Timestamp,
    ) -> Result<(), WriteError> {
        match (&self.ca, entry) {
            (Some(ca), Some(entry)) => ca.audit_with(entry, unit, now).await,
            (_, None) | (None, _) => self.db.write(unit).await.map(drop),
        }
    }

    /// What was not done, and why; those that are alike within a second are counted.
    pub(crate) async fn audit_refusal(&self, entry: Entry, now: Timestamp) {
        let Some(ca) = &self.ca else { return };
        if let Err(error) = ca.audit(entry, now).await {
            tracing::error!(%error, "a refusal is not recorded");
        }
    }
}
